import { defineCommand } from "citty";
import { openOperatorClient } from "../operator-client.ts";
import { configArgument, print } from "../run.ts";

export default defineCommand({
  meta: { name: "resume", description: "Let a stage that was paused take work again" },
  args: { ...configArgument, stage: { type: "positional", required: true, description: "which stage" } },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    await client.ask("POST", `/stages/${encodeURIComponent(args.stage)}/resume`);
    print(`${args.stage} goes on`);
  },
});
