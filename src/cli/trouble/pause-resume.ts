import { defineCommand } from "citty";
import { configArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { print } from "../output.ts";

const args = { ...configArgument, stage: { type: "positional", required: true, description: "which stage" } } as const;

export const pause = defineCommand({
  meta: { name: "pause", description: "Let a stage take no more work until resume, also after a restart" },
  args,
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/pause`);
    print(`${args.stage} is paused; go on with: hikvision-sync resume ${args.stage}`);
  },
});

export const resume = defineCommand({
  meta: { name: "resume", description: "Let a stage that was paused take work again" },
  args,
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/resume`);
    print(`${args.stage} goes on`);
  },
});
