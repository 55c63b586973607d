import { once } from "node:events";
import { defineCommand } from "citty";
import { startDaemon } from "../../app/daemon.ts";
import { reloadOnHangUp } from "../../app/reload.ts";
import { brokerMissing } from "../../app/startup.ts";
import { openNotify, supervise } from "../../app/systemd.ts";
import { Exit, exits } from "../../errors.ts";
import { adoptConsole, createLog } from "../../observability/log.ts";
import { stageNamesIn } from "../../registry/builtin.ts";
import { configArgument, loadConfig } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { mask } from "../output.ts";

const requireBrokerMs = 15_000;

export default defineCommand({
  meta: { name: "serve", description: "Run the daemon: the trigger and the stages" },
  args: {
    ...configArgument,
    "require-broker": {
      type: "boolean",
      description: `exit 69 if the broker is not up within ${requireBrokerMs / 1000} s`,
    },
  },
  async run({ args }) {
    using stop = untilStopped();
    const read = () => loadConfig(args, { stageNames: stageNamesIn });
    const loaded = read();
    const log = createLog({ ...loaded.config.log, mask });
    using _console = adoptConsole(log);
    using notify = openNotify(process.env.NOTIFY_SOCKET);
    const daemon = await startDaemon({ loaded, log });
    const watchdogMs = Number(process.env.WATCHDOG_USEC ?? 0) / 1_000;
    // Without systemd nobody hears of it.
    using _supervision = process.env.NOTIFY_SOCKET
      ? supervise(daemon, { notify, timeZone: loaded.config.site.timeZone, watchdogMs })
      : undefined;
    using _reloads = reloadOnHangUp(daemon, { read, log, notify });
    const missing = args["require-broker"] && (await brokerMissing(daemon.broker, requireBrokerMs, stop.signal));
    if (!missing && !stop.signal.aborted) await once(stop.signal, "abort");
    log.info("Stopping: work in progress is finished first");
    notify("STOPPING=1", "STATUS=stopping: work in progress is finished first");
    await daemon.stop();
    if (missing) throw new Exit(exits.unavailable, missing);
    log.info("Stopped");
  },
});
