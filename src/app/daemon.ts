import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../broker/broker.ts";
import { KnownQueues } from "../broker/known-queues.ts";
import { inFolder, openBroker, queueToMigrate } from "../broker/open.ts";
import { type Clients, createClients } from "../clients.ts";
import { DateError, datesOf, formatDuration, todayIn } from "../config/dates.ts";
import { brokerAt, type Config, type Loaded, type LocalConfig, siteOf, sourcesOf } from "../config/load.ts";
import { Exit, exits, Failure, textOf } from "../errors.ts";
import { createApp } from "../http/app.ts";
import { healthRoutes, readinessOf } from "../http/health.ts";
import { type DatesFor, RunStarter } from "../http/run-starter.ts";
import { Ledger } from "../ledger/ledger.ts";
import { photosOf } from "../ledger/photo-history.ts";
import type { Log } from "../observability/log.ts";
import { Metrics } from "../observability/metrics.ts";
import { Operator } from "../operator/operator.ts";
import { PausedStages } from "../operator/paused-stages.ts";
import { InFlightJournal } from "../pipeline/in-flight-journal.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { PipelineDeps } from "../pipeline/stage-context.ts";
import { loadStages } from "../registry/builtin.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { untilAborted } from "../util/abort.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";
import { versionText } from "../version.ts";
import { mergeReloadable } from "./reload.ts";
import { sayBrokerStates, startWhenUp } from "./startup.ts";
import { lockState } from "./state-lock.ts";

export interface DaemonOptions {
  loaded: Loaded;
  log: Log;
  now?: () => Date;
  /** RabbitMQ takes back what is not acknowledged for 30 minutes, and closes the channel with all that is on it (28 minutes). */
  holdForMs?: number;
}

export interface Daemon {
  /** Where it listens. */
  readonly url: string;
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly broker: Broker;
  readonly clients: Clients;
  /**
   * Takes over another configuration without closing its port: what is in hand is finished first. Throws where the
   * configuration cannot work, and goes on as before; what needs a restart is said and left as it was.
   */
  reload(fresh: Loaded): Promise<void>;
  /** Finishes what is in hand within broker.shutdown_timeout, also in the middle of a reload. */
  stop(): Promise<void>;
}

/** config → log → http → broker → upstreams → pipeline; stops in reverse. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { loaded, log, now = () => new Date(), holdForMs = 28 * 60_000 } = options;
  const { config } = loaded;
  const registered = await registeredStages(config, log);
  await using opened = new AsyncDisposableStack();
  opened.use(lockState(config.state.folder));
  const say = (text: string) => log.error(text);
  const { folder, keepDays } = config.state;
  const ledger = opened.use(inFolder(config, () => new Ledger({ folder, keepDays, say, now })));
  const broker = opened.use(await openBroker(config));
  const oldQueue = await queueToMigrate(config);
  opened.defer(sayBrokerStates(broker, log));
  const journal = opened.use(new InFlightJournal(folder, say));
  const metrics = new Metrics(registered.map(({ stage }) => stage.name));
  const parts = { ledger, broker, journal, metrics, knownQueues: new KnownQueues(folder, say), log, now, holdForMs };
  let core = assemble(config, registered, parts);
  opened.defer(() => core.clients[Symbol.asyncDispose]());
  // n.b. Looked up at each request: a reload changes what answers, never the socket.
  const server = listen(config, (request, connection) => core.app.fetch(request, connection));
  opened.defer(() => server.stop(true));
  const url = `http://${config.http.host.includes(":") ? `[${config.http.host}]` : config.http.host}:${server.port}`;
  const introduced = introduce(loaded, { registered, clients: core.clients, url, log });

  let starting = new AbortController();
  const start = () =>
    startWhenUp({ broker, pipeline: core.pipeline, log, queueToMigrate: oldQueue, signal: starting.signal });
  let started = introduced.then(start);
  /** One at a time, and none once it stops. */
  let changing = Promise.resolve();
  let stopping = false;
  const drain = async (late = AbortSignal.timeout(core.config.broker.shutdownTimeoutMs)) => {
    starting.abort();
    const drained = started.then(() => core.pipeline.stop(late));
    // A broker that hangs does not even let go: what is not settled it takes back by itself.
    await untilAborted(drained, late).catch(() => Promise.race([drained, sleep(graceMs)]));
  };
  const change = async (fresh: Loaded) => {
    const { config, taken, left } = mergeReloadable(core.config, fresh.config);
    const next = assemble(config, await registeredStages(config, log), parts);
    log.info("Reloading: what is in hand is finished first");
    await drain();
    if (stopping) return;
    const before = core;
    core = next;
    starting = new AbortController();
    started = start();
    await before.clients[Symbol.asyncDispose]();
    for (const text of [...fresh.warnings, ...fresh.hints]) log.warn(text);
    log.info(`Reloaded; changed: ${taken.join(", ") || "nothing"}`);
    if (left.length > 0) log.warn(`left as it was until a restart: ${left.join(", ")}`, { code: "needs_restart" });
    if (Object.values(fresh.sources).includes("credentials"))
      log.info("Credentials are those of the start: systemd hands them out only then");
  };
  const open = opened.move();
  return {
    url,
    ledger,
    broker,
    get pipeline() {
      return core.pipeline;
    },
    get clients() {
      return core.clients;
    },
    reload(fresh) {
      const reloaded = changing.then(() => (stopping ? undefined : change(fresh)));
      changing = reloaded.catch(() => {});
      return reloaded;
    },
    async stop() {
      stopping = true;
      const late = AbortSignal.timeout(core.config.broker.shutdownTimeoutMs);
      await untilAborted(changing, late).catch(() => {});
      await drain(late);
      await open.disposeAsync();
    },
  };
}

/** What was told to give up goes back within it. */
const graceMs = 500;

type SharedParts = Pick<
  PipelineDeps,
  "ledger" | "broker" | "journal" | "metrics" | "knownQueues" | "log" | "now" | "holdForMs"
>;

/** What a configuration decides and a reload replaces. */
function assemble(config: Config, registered: readonly RegisteredStage[], parts: SharedParts) {
  const { ledger, broker, metrics, log, now } = parts;
  const clients = createClients(config, log, metrics.called);
  const untilOpen = (name: string, signal: AbortSignal) =>
    AbortSignal.any([signal, clients.breakers.get(name)?.signal ?? signal]);
  const pipeline = new Pipeline(registered, {
    ...parts,
    locks: new KeyedMutex(),
    breakers: clients.breakers,
    delays: config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) })),
    stallMs: config.broker.stallTimeoutMs,
    clients: (signal, meta) => ({
      hikcentral: () => clients.hikcentral.for(untilOpen("hikcentral", signal)),
      eposh: () => clients.eposh.for(untilOpen("eposh", signal)),
      photo: () => ({ ...clients.photos.for(untilOpen("photo", signal)), ...photosOf(ledger, meta) }),
      site: () => siteOf(config, todayIn(config.site.timeZone, now())),
    }),
  });
  const queue = registered.find(({ stage }) => stage.name === "induction")?.stage.queue ?? "";
  const trigger = new RunStarter({ broker, ledger, pipeline, queue, datesFor: datesFor(config, now), now });
  const { breakers } = clients;
  const paused = new PausedStages(config.state.folder);
  const queues = () => pipeline.knownQueues;
  const health = { pipeline, broker, breakers, metrics, now };
  const running = { pipeline, breakers, readiness: () => readinessOf(health) };
  const operator = new Operator({ broker, ledger, registered, paused, queues, mask: log.mask, running, now });
  const app = createApp({
    trigger,
    operator,
    health: healthRoutes(health),
    http: config.http,
    log,
  });
  return { config, clients, pipeline, app };
}

export const registeredStages = async (config: Config | LocalConfig, { mask }: Pick<Log, "mask">) =>
  (await loadStages(config, mask)).map((one) =>
    one.stage.local ? withQueue(one, localQueue(one.stage.queue, config)) : one,
  );

/** The induction queue belongs to the daemon of one state folder, so two daemons on one machine have two. */
function localQueue(queue: string, { state }: LocalConfig): string {
  const folder = createHash("sha256").update(state.folder).digest("hex").slice(0, 6);
  return `${queue}.${hostname()}.${folder}`;
}

const withQueue = (one: RegisteredStage, queue: string): RegisteredStage => ({
  ...one,
  stage: { ...one.stage, queue },
});

function datesFor({ induction, site }: Config, now: () => Date): DatesFor {
  return ({ from, to, skip }) => {
    const today = todayIn(site.timeZone, now());
    const whole = from === undefined && to === undefined;
    if (!whole && from === undefined) return { problem: "from is missing: to alone does not say where to begin" };
    const range = whole ? induction : { from: from ?? today, to: to ?? today, skip: [] };
    try {
      const dates = datesOf({ ...range, ...(skip && { skip }), maxDays: induction.maxDays, today });
      return dates.length > 0 ? { dates } : { problem: "no date is left: skip leaves out all of them" };
    } catch (error) {
      if (error instanceof DateError) return { problem: error.message };
      throw error;
    }
  };
}

type Fetch = (request: Request, connection: unknown) => Response | Promise<Response>;

function listen({ http }: Config, fetch: Fetch) {
  try {
    // Until a request is whole; then http/access.ts lifts the limit, because an induction is silent for minutes.
    const limits = { idleTimeout: 30, maxRequestBodySize: 1 << 20 };
    return Bun.serve({ hostname: http.host, port: http.port, ...limits, fetch });
  } catch (error) {
    const taken = (error as { code?: unknown }).code === "EADDRINUSE";
    const why = taken
      ? "is taken by another process; stop it, or set http.port"
      : `cannot be listened on: ${textOf(error)}`;
    throw new Exit(exits.unavailable, `port ${http.port} of ${http.host} ${why}`);
  }
}

/** How long the first block waits for HikCentral's own names; the daemon does not. */
const namesMs = 1_000;

/** All that the daemon was told, in one block. */
async function introduce(
  loaded: Loaded,
  {
    registered,
    clients,
    url,
    log,
  }: { registered: readonly RegisteredStage[]; clients: Clients; url: string; log: Log },
): Promise<void> {
  const { config, hints, warnings } = loaded;
  const ids = Object.entries(config.regionals).map(([slug, id]) => `${slug} → ${id}`);
  const unnamed = [["regionals", `${ids.join(", ")}; HikCentral's own names follow before the first write`]] as const;
  let trouble: string | undefined;
  const names = await clients.hikcentral.names(AbortSignal.timeout(namesMs)).catch((thrown) => {
    if (thrown instanceof Failure) trouble = thrown.message;
    return unnamed;
  });
  const lines = [
    ["configuration", sourcesOf(loaded)],
    ["trigger", `POST ${url}/eposh-induction${config.http.token ? ", with the token" : ""}`],
    ["broker", brokerAt(config)],
    ["Eposh", new URL(config.eposh.url).origin],
    ["HikCentral", new URL(config.hikcentral.url).origin],
    ...names,
    ["state", config.state.folder],
    ...registered.map(({ stage, origin, enabledHere }) => [
      "stage",
      `${stage.name} ← ${stage.queue} (${origin}${enabledHere ? "" : ", disabled here"})`,
    ]),
  ];
  log.info([versionText, ...lines.map(([label = "", text]) => `  ${label.padEnd(13)}  ${text}`)].join("\n"));
  for (const text of [...warnings, ...hints, ...(trouble ? [trouble] : [])]) log.warn(text);
}
