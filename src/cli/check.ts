import { defineCommand } from "citty";
import { stageNamesIn, stagesOf } from "../builtin.ts";
import { configArgument, loadConfig, mask, say } from "./frame.ts";

export default defineCommand({
  meta: { name: "check", description: "Check the configuration and the stages without calling anybody" },
  args: configArgument,
  async run({ args }) {
    const { config, file, sources, hints, warnings } = loadConfig(args, { stageNames: stageNamesIn });
    const from = (wanted: string) => Object.values(sources).filter((source) => source === wanted).length;
    const others = `${from("environment")} values from the environment, ${from("credentials")} from credentials`;
    say(`ok: configuration (${file ?? "no file"}, ${others})`);
    const stages = await stagesOf(config, mask);
    say(`ok: stages (${stages.map(({ stage }) => stage.name).join(", ")})`);
    for (const text of [...warnings, ...hints]) say(`warning: ${text}`);
  },
});
