import { defineCommand } from "citty";
import { builtinNames, stagesOf } from "../builtin.ts";
import { configArgument, loadLocalConfig, say } from "./frame.ts";
import { table } from "./table.ts";

export default defineCommand({
  meta: { name: "stages", description: "List the stages: name, queue, after, origin, concurrency" },
  args: configArgument,
  run({ args }) {
    const { config } = loadLocalConfig(args, { stageNames: builtinNames });
    const rows = stagesOf(config).map(({ stage, origin, concurrency, consumed }) => [
      stage.name,
      stage.local ? `${stage.queue}.<host>` : stage.queue,
      stage.after ?? "-",
      origin,
      consumed ? String(concurrency) : "disabled here",
    ]);
    say(table([["STAGE", "QUEUE", "AFTER", "ORIGIN", "CONCURRENCY"], ...rows]));
  },
});
