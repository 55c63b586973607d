import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../broker/broker.ts";
import { RememberedQueues } from "../broker/known-queues.ts";
import { inFolder, leftoverOf, openBroker } from "../broker/open.ts";
import { type Clients, createClients } from "../clients.ts";
import { DateError, datesOf, formatDuration, todayIn } from "../config/dates.ts";
import { brokerAt, type Config, type Loaded, type LocalConfig, siteOf, sourcesOf } from "../config/load.ts";
import { Exit, exits, Failure, textOf } from "../errors.ts";
import { createApp } from "../http/app.ts";
import { healthRoutes, readinessOf } from "../http/health.ts";
import { type DatesFor, Trigger } from "../http/induction-route.ts";
import { Ledger } from "../ledger/ledger.ts";
import { photosOf } from "../ledger/photo-history.ts";
import type { Log } from "../observability/log.ts";
import { Metrics } from "../observability/metrics.ts";
import { Operator } from "../operator/operator.ts";
import { PausedStages } from "../operator/paused-stages.ts";
import { Hands } from "../pipeline/in-flight-journal.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import type { Shop } from "../pipeline/stage-context.ts";
import { stagesOf } from "../registry/builtin.ts";
import type { Placed } from "../registry/registry.ts";
import { untilAborted } from "../util/abort.ts";
import { Turns } from "../util/keyed-mutex.ts";
import { versionText } from "../version.ts";
import { takeOver } from "./reload.ts";
import { sayBrokerStates, startWhenUp } from "./startup.ts";
import { lockFolder } from "./state-lock.ts";

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
  const placed = await placedOf(config, log);
  await using opened = new AsyncDisposableStack();
  opened.use(lockFolder(config.state.folder));
  const say = (text: string) => log.error(text);
  const { folder, keepDays } = config.state;
  const ledger = opened.use(inFolder(config, () => new Ledger({ folder, keepDays, say, now })));
  const broker = opened.use(await openBroker(config));
  const leftover = await leftoverOf(config);
  opened.defer(sayBrokerStates(broker, log));
  const hands = opened.use(new Hands(folder, say));
  const metrics = new Metrics(placed.map(({ stage }) => stage.name));
  const parts = { ledger, broker, hands, metrics, remembered: new RememberedQueues(folder, say), log, now, holdForMs };
  let core = assemble(config, placed, parts);
  opened.defer(() => core.clients[Symbol.asyncDispose]());
  // n.b. Looked up at each request: a reload changes what answers, never the socket.
  const server = listen(config, (request, connection) => core.app.fetch(request, connection));
  opened.defer(() => server.stop(true));
  const url = `http://${config.http.host.includes(":") ? `[${config.http.host}]` : config.http.host}:${server.port}`;
  const introduced = introduce(loaded, { placed, clients: core.clients, url, log });

  let starting = new AbortController();
  const start = () => startWhenUp({ broker, pipeline: core.pipeline, log, leftover, signal: starting.signal });
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
    const { config, taken, left } = takeOver(core.config, fresh.config);
    const next = assemble(config, await placedOf(config, log), parts);
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

type Parts = Pick<Shop, "ledger" | "broker" | "hands" | "metrics" | "remembered" | "log" | "now" | "holdForMs">;

/** What a configuration decides and a reload replaces. */
function assemble(config: Config, placed: readonly Placed[], parts: Parts) {
  const { ledger, broker, metrics, log, now } = parts;
  const clients = createClients(config, log, metrics.called);
  const whileUp = (name: string, signal: AbortSignal) =>
    AbortSignal.any([signal, clients.upstreams.get(name)?.whileUp ?? signal]);
  const pipeline = new Pipeline(placed, {
    ...parts,
    turns: new Turns(),
    upstreams: clients.upstreams,
    delays: config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) })),
    stallMs: config.broker.stallTimeoutMs,
    clients: (signal, meta) => ({
      hikcentral: () => clients.hikcentral.for(whileUp("hikcentral", signal)),
      eposh: () => clients.eposh.for(whileUp("eposh", signal)),
      photo: () => ({ ...clients.photos.for(whileUp("photo", signal)), ...photosOf(ledger, meta) }),
      site: () => siteOf(config, todayIn(config.site.timeZone, now())),
    }),
  });
  const queue = placed.find(({ stage }) => stage.name === "induction")?.stage.queue ?? "";
  const trigger = new Trigger({ broker, ledger, pipeline, queue, datesFor: datesFor(config, now), now });
  const { upstreams } = clients;
  const paused = new PausedStages(config.state.folder);
  const queues = () => pipeline.known;
  const health = { pipeline, broker, upstreams, metrics, now };
  const running = { pipeline, upstreams, readiness: () => readinessOf(health) };
  const operator = new Operator({ broker, ledger, placed, paused, queues, mask: log.mask, running, now });
  const app = createApp({
    trigger,
    operator,
    health: healthRoutes(health),
    http: config.http,
    log,
  });
  return { config, clients, pipeline, app };
}

export const placedOf = async (config: Config | LocalConfig, { mask }: Pick<Log, "mask">) =>
  (await stagesOf(config, mask)).map((one) =>
    one.stage.local ? withQueue(one, localQueue(one.stage.queue, config)) : one,
  );

/** The induction queue belongs to the daemon of one state folder, so two daemons on one machine have two. */
function localQueue(queue: string, { state }: LocalConfig): string {
  const folder = createHash("sha256").update(state.folder).digest("hex").slice(0, 6);
  return `${queue}.${hostname()}.${folder}`;
}

const withQueue = (one: Placed, queue: string): Placed => ({ ...one, stage: { ...one.stage, queue } });

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
  { placed, clients, url, log }: { placed: readonly Placed[]; clients: Clients; url: string; log: Log },
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
    ...placed.map(({ stage, origin, consumed }) => [
      "stage",
      `${stage.name} ← ${stage.queue} (${origin}${consumed ? "" : ", disabled here"})`,
    ]),
  ];
  log.info([versionText, ...lines.map(([label = "", text]) => `  ${label.padEnd(13)}  ${text}`)].join("\n"));
  for (const text of [...warnings, ...hints, ...(trouble ? [trouble] : [])]) log.warn(text);
}
