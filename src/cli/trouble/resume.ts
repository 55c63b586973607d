import { defineCommand } from "citty";
import { openOffice } from "../operator-client.ts";
import { configArgument, say } from "../run.ts";

export default defineCommand({
  meta: { name: "resume", description: "Let a stage that was paused take work again" },
  args: { ...configArgument, stage: { type: "positional", required: true, description: "which stage" } },
  async run({ args }) {
    await using office = await openOffice(args);
    await office.ask("POST", `/stages/${encodeURIComponent(args.stage)}/resume`);
    say(`${args.stage} goes on`);
  },
});
