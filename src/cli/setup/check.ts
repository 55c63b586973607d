import { defineCommand } from "citty";
import { sourcesOf } from "../../config/load.ts";
import { certificateOf } from "../../http/listen.ts";
import { loadStages, stageNamesIn } from "../../registry/builtin.ts";
import { configArgument, loadConfig } from "../args.ts";
import { mask, print } from "../output.ts";

export default defineCommand({
  meta: { name: "check", description: "Check the configuration and the stages, offline" },
  args: configArgument,
  async run({ args }) {
    const loaded = loadConfig(args, { stageNames: stageNamesIn });
    const { config, hints, warnings } = loaded;
    certificateOf(config.http);
    print(`ok: configuration (${sourcesOf(loaded)})`);
    const stages = await loadStages(config, mask);
    print(`ok: stages (${stages.map(({ stage }) => stage.name).join(", ")})`);
    for (const text of [...warnings, ...hints]) print(`warning: ${text}`);
  },
});
