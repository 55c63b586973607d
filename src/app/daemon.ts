import { join } from "node:path";
import type { Broker } from "../broker/broker.ts";
import { KnownQueues } from "../broker/known-queues.ts";
import { brokerIdOf, inFolder, openBroker, queueToMigrate } from "../broker/open.ts";
import type { Clients } from "../clients.ts";
import { brokerOf, type Loaded } from "../config/load.ts";
import { type Fetch, listen } from "../http/listen.ts";
import { OperatorSocket } from "../http/operator-socket.ts";
import { Ledger } from "../ledger/ledger.ts";
import type { Log } from "../observability/log.ts";
import { Metrics } from "../observability/metrics.ts";
import { SharedExamination } from "../operator/examination.ts";
import type { Operator } from "../operator/operator.ts";
import { InFlightJournal } from "../pipeline/in-flight-journal.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { Sessions } from "../ui/sessions.ts";
import type { DecoderPool } from "../upstreams/decoder/decoder-pool.ts";
import { untilAborted } from "../util/abort.ts";
import { introduce } from "./banner.ts";
import { Generation, registeredStages, type SharedParts } from "./generation.ts";
import { mergeReloadable } from "./reload.ts";
import { RemovedFiles } from "./removed-files.ts";
import { sayBrokerStates } from "./startup.ts";
import { lockState } from "./state-lock.ts";

export interface DaemonOptions {
  loaded: Loaded;
  log: Log;
  now?: () => Date;
  /** n.b. After 30 minutes without acknowledgement RabbitMQ closes the channel, with everything on it (28 minutes). */
  holdForMs?: number;
  /** Of several daemons in one process; its own unless given. */
  decoders?: DecoderPool;
}

export interface Daemon {
  /** Where it listens. */
  readonly url: string;
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly broker: Broker;
  readonly clients: Clients;
  readonly operator: Operator;
  /**
   * Applies another configuration without closing the port: work in progress is finished first. Throws if the
   * configuration cannot work, and continues as before. Values that need a restart are named and stay as they were.
   */
  reload(fresh: Loaded): Promise<void>;
  /** Finishes work in progress within broker.shutdown_timeout, also in the middle of a reload. */
  stop(): Promise<void>;
}

/**
 * n.b. Bun's HTTP client opens its descriptors with the first call, and ends the process where none is left: callers could
 * take all of them before HikCentral is called.
 */
function startHttpClient(): void {
  fetch("http://localhost", { unix: "/" }).catch(() => {});
}

/** config → log → http → broker → upstreams → pipeline; stops in reverse. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { loaded, log, now = () => new Date(), holdForMs = 28 * 60_000, decoders } = options;
  const { config } = loaded;
  const registered = await registeredStages(config, log);
  await using opened = new AsyncDisposableStack();
  opened.use(lockState(config.state.folder));
  const say = (text: string) => log.error(text);
  const { folder, keepDays } = config.state;
  const ledger = opened.use(inFolder(config, () => new Ledger({ folder, keepDays, say, now })));
  const onReach = (text: string, isLost: boolean) =>
    isLost ? log.error(text, { code: "unreachable_queues" }) : log.info(text);
  const broker = opened.use(await openBroker(config, onReach));
  ledger.deadLetters.belongTo(ledger.personKey(brokerIdOf(config)));
  opened.defer(sayBrokerStates(broker, log));
  const files = ["", "ledger.db"].map((name) => join(folder, name));
  const queue = brokerOf(config);
  const watched = [...files, ...(queue.kind === "sqlite" ? [queue.file, `${queue.file}-wal`] : [])];
  const onRemoved = (text: string) => log.error(text, { code: "files_removed" });
  const removed = opened.use(new RemovedFiles(watched, onRemoved));
  const parts: SharedParts = {
    ledger,
    broker,
    journal: opened.use(new InFlightJournal({ folder, say, calmAfterMs: config.broker.stallTimeoutMs / 4 })),
    sessions: new Sessions(),
    examination: new SharedExamination(now),
    origin: () => url,
    removed,
    metrics: new Metrics(registered.map(({ stage }) => stage.name)),
    knownQueues: new KnownQueues(folder, say),
    queueToMigrate: await queueToMigrate(config),
    log,
    now,
    holdForMs,
    decoders,
  };
  let current = new Generation(loaded, registered, parts);
  // `current` is read on every request, so a reload swaps the handlers without closing the listening socket.
  const answer: Fetch = async (request, connection) => (await current.app).fetch(request, connection);
  removed.watch(opened.use(await OperatorSocket.open(config.http, answer, (text) => log.warn(text))));
  startHttpClient();
  const { origin: url } = opened.use(listen(config.http, answer, (text) => log.warn(text)));
  const introducing = new AbortController();
  opened.defer(() => introducing.abort());
  void introduce(loaded, { registered, clients: current.clients, url, log, signal: introducing.signal });
  current.start();

  /** Reloads run one at a time, and none runs once the daemon stops. */
  let changing = Promise.resolve();
  let isStopping = false;
  const deadlineOf = ({ loaded: { config } }: Generation) => AbortSignal.timeout(config.broker.shutdownTimeoutMs);
  const change = async (fresh: Loaded) => {
    const before = current;
    const { loaded, taken, left } = mergeReloadable(before.loaded, fresh);
    const next = new Generation(loaded, await registeredStages(loaded.config, log), parts);
    log.info("Reloading: work in progress is finished first");
    await before.stop(deadlineOf(before));
    current = next;
    if (isStopping) return;
    next.start();
    for (const text of [...fresh.warnings, ...fresh.hints]) log.warn(text);
    log.info(`Reloaded; changed: ${taken.join(", ") || "nothing"}`);
    if (left.length > 0) log.warn(`not applied until a restart: ${left.join(", ")}`, { code: "needs_restart" });
    if (Object.values(fresh.sources).includes("credentials"))
      log.info("Credentials are not read again: systemd passes them only at the start");
  };
  const open = opened.move();
  return {
    url,
    ledger,
    broker,
    get pipeline() {
      return current.pipeline;
    },
    get clients() {
      return current.clients;
    },
    get operator() {
      return current.operator;
    },
    reload(fresh) {
      const reloaded = changing.then(() => (isStopping ? undefined : change(fresh)));
      changing = reloaded.catch(() => {});
      return reloaded;
    },
    async stop() {
      isStopping = true;
      const deadline = deadlineOf(current);
      await untilAborted(changing, deadline).catch(() => {});
      await current.stop(deadline);
      await open.disposeAsync();
    },
  };
}
