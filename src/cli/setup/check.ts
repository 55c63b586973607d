import { defineCommand } from "citty";
import { sourcesOf } from "../../config/load.ts";
import { stageNamesIn, stagesOf } from "../../registry/builtin.ts";
import { configArgument, loadConfig, mask, say } from "../run.ts";

export default defineCommand({
  meta: { name: "check", description: "Check the configuration and the stages without calling anybody" },
  args: configArgument,
  async run({ args }) {
    const loaded = loadConfig(args, { stageNames: stageNamesIn });
    const { config, hints, warnings } = loaded;
    say(`ok: configuration (${sourcesOf(loaded)})`);
    const stages = await stagesOf(config, mask);
    say(`ok: stages (${stages.map(({ stage }) => stage.name).join(", ")})`);
    for (const text of [...warnings, ...hints]) say(`warning: ${text}`);
  },
});
