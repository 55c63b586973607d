import { defineCommand } from "citty";
import { configArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { print } from "../output.ts";

const args = {
  ...configArgument,
  stage: { type: "positional", required: true, description: "name of the stage" },
} as const;

export const pause = defineCommand({
  meta: { name: "pause", description: "Pause a stage until resume, also across restarts" },
  args,
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/pause`);
    print(`${args.stage} is paused. To resume: hikvision-sync resume ${args.stage}`);
  },
});

export const resume = defineCommand({
  meta: { name: "resume", description: "Resume a stage that an operator paused" },
  args,
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/resume`);
    print(`${args.stage} is resumed`);
  },
});
