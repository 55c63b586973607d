import { once } from "node:events";
import { defineCommand } from "citty";
import { builtinNames } from "../builtin.ts";
import { startDaemon } from "../daemon.ts";
import { adoptConsole, createLog } from "../log.ts";
import { configArgument, loadConfig, mask, untilStopped } from "./frame.ts";

export default defineCommand({
  meta: { name: "serve", description: "Run the daemon: the trigger, the publisher and the stages" },
  args: configArgument,
  async run({ args }) {
    using stop = untilStopped();
    const loaded = loadConfig(args, { stageNames: builtinNames });
    const log = createLog({ ...loaded.config.log, mask });
    using _console = adoptConsole(log);
    const daemon = await startDaemon({ loaded, log });
    if (!stop.signal.aborted) await once(stop.signal, "abort");
    log.info("Stopping: what is in hand is finished first");
    await daemon.stop();
    log.info("Stopped");
  },
});
