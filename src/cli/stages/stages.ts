import { defineCommand } from "citty";
import { loadStages, stageNamesIn } from "../../registry/builtin.ts";
import { configArgument, loadLocalConfig } from "../args.ts";
import { mask, print, table } from "../output.ts";
import { queueOf } from "./folder.ts";

export default defineCommand({
  meta: { name: "stages", description: "List the stages; create, check, run or test your own" },
  args: configArgument,
  subCommands: {
    new: async () => (await import("./new.ts")).default,
    check: async () => (await import("./check.ts")).default,
    run: async () => (await import("./run.ts")).default,
    test: async () => (await import("./test.ts")).default,
    graph: async () => (await import("./graph.ts")).default,
  },
  async run({ args }) {
    const { config } = loadLocalConfig(args, { stageNames: stageNamesIn });
    const rows = (await loadStages(config, mask)).map(({ stage, origin, concurrency, enabledHere }) => [
      stage.name,
      queueOf(stage),
      stage.after ?? "-",
      origin,
      enabledHere ? String(concurrency) : "disabled here",
    ]);
    print(table([["STAGE", "QUEUE", "AFTER", "ORIGIN", "CONCURRENCY"], ...rows]));
  },
});
