import { defineCommand } from "citty";
import { openOffice } from "../operator-client.ts";
import { configArgument, say } from "../run.ts";

export default defineCommand({
  meta: { name: "pause", description: "Let a stage take no more work until resume, also after a restart" },
  args: { ...configArgument, stage: { type: "positional", required: true, description: "which stage" } },
  async run({ args }) {
    await using office = await openOffice(args);
    await office.ask("POST", `/stages/${encodeURIComponent(args.stage)}/pause`);
    say(`${args.stage} is paused; go on with: hikvision-sync resume ${args.stage}`);
  },
});
