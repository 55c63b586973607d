import { defineCommand } from "citty";
import { openOperatorClient } from "../operator-client.ts";
import { configArgument, print } from "../run.ts";

export default defineCommand({
  meta: { name: "pause", description: "Let a stage take no more work until resume, also after a restart" },
  args: { ...configArgument, stage: { type: "positional", required: true, description: "which stage" } },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/pause`);
    print(`${args.stage} is paused; go on with: hikvision-sync resume ${args.stage}`);
  },
});
