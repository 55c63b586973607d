import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { openAmqp } from "./broker/amqp.ts";
import type { Broker } from "./broker/broker.ts";
import { openSqlite } from "./broker/sqlite.ts";
import { stagesOf } from "./builtin.ts";
import { type Clients, createClients } from "./clients.ts";
import { brokerOf, type Config, type Loaded, siteOf } from "./config.ts";
import { DateError, datesOf, formatDuration, todayIn } from "./dates.ts";
import { Exit, exits, textOf } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { type DatesFor, Trigger } from "./http/trigger.ts";
import { Ledger } from "./ledger.ts";
import { lockFolder } from "./lock.ts";
import type { Log } from "./log.ts";
import { Pipeline } from "./pipeline/pipeline.ts";
import type { Placed } from "./pipeline/registry.ts";
import { Turns } from "./pipeline/turns.ts";
import { versionText } from "./version.ts";

export interface DaemonOptions {
  loaded: Loaded;
  log: Log;
  now?: () => Date;
}

export interface Daemon {
  /** Where it listens. */
  readonly url: string;
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly broker: Broker;
  readonly clients: Clients;
  /** Finishes what is in hand within broker.shutdown_timeout, or until `atOnce` aborts. */
  stop(atOnce?: AbortSignal): Promise<void>;
}

/** config → log → http → broker → upstreams → pipeline; stops in reverse. */
export async function startDaemon({ loaded, log, now = () => new Date() }: DaemonOptions): Promise<Daemon> {
  const { config } = loaded;
  const placed = stagesOf(config).map((one) =>
    one.stage.local ? withQueue(one, localQueue(one.stage.queue, config)) : one,
  );
  await using opened = new AsyncDisposableStack();
  opened.use(lockFolder(config.state.folder));
  const say = (text: string) => log.error(text);
  const ledger = opened.use(new Ledger({ folder: config.state.folder, keepDays: config.state.keepDays, say, now }));
  const broker = opened.use(await openBroker(config));
  const clients = opened.use(createClients(config, log));
  const pipeline = new Pipeline(placed, {
    broker,
    ledger,
    log,
    turns: new Turns(),
    upstreams: clients.upstreams,
    delays: config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) })),
    clients: (signal, meta) => ({
      hikcentral: clients.hikcentral.for(signal),
      eposh: clients.eposh.for(signal),
      photo: { ...clients.photos.for(signal), sharedWith: (link) => ledger.sharedWith(link, meta) },
      site: siteOf(config, todayIn(config.site.timeZone, now())),
    }),
    now,
  });
  const queue = placed.find(({ stage }) => stage.name === "induction")?.stage.queue ?? "";
  const trigger = new Trigger({ broker, ledger, pipeline, queue, datesFor: datesFor(config, now), now });
  const { token } = config.http;
  const app = createApp({
    trigger,
    ledger,
    pipeline,
    broker,
    upstreams: clients.upstreams,
    log,
    ...(token && { token }),
  });
  const server = listen(config, app.fetch);
  opened.defer(() => server.stop(true));
  const url = `http://${config.http.host.includes(":") ? `[${config.http.host}]` : config.http.host}:${server.port}`;
  introduce(loaded, placed, broker, url, log);

  const stopping = new AbortController();
  const started = startWhenUp(broker, pipeline, log, stopping.signal);
  const open = opened.move();
  return {
    url,
    pipeline,
    ledger,
    broker,
    clients,
    async stop(atOnce) {
      stopping.abort();
      await started;
      const late = AbortSignal.timeout(config.broker.shutdownTimeoutMs);
      await pipeline.stop(atOnce ? AbortSignal.any([late, atOnce]) : late);
      await open.disposeAsync();
    },
  };
}

/** The induction queue belongs to the daemon of one state folder, so two daemons on one machine have two. */
function localQueue(queue: string, { state }: Config): string {
  const folder = createHash("sha256").update(state.folder).digest("hex").slice(0, 6);
  return `${queue}.${hostname()}.${folder}`;
}

const withQueue = (one: Placed, queue: string): Placed => ({ ...one, stage: { ...one.stage, queue } });

async function openBroker(config: Config): Promise<Broker> {
  const broker = brokerOf(config);
  return broker.kind === "amqp" ? openAmqp({ url: broker.url.reveal() }) : openSqlite({ file: broker.file });
}

/** Declares and consumes once the broker is there; until then it says why it is not. */
async function startWhenUp(broker: Broker, pipeline: Pipeline, log: Log, signal: AbortSignal): Promise<void> {
  let said = "";
  for (let waitMs = 50; !signal.aborted; waitMs = Math.min(2 * waitMs, 2_000)) {
    try {
      if (broker.state === "up") {
        await broker.declare(pipeline.queues);
        pipeline.start();
        return log.info(`${pipeline.workers.length} stages take work from ${broker.label}`);
      }
    } catch (error) {
      log.warn(`the queues cannot be declared yet: ${textOf(error)}`);
    }
    if (broker.trouble && broker.trouble !== said) log.warn(`${broker.label} cannot be reached: ${broker.trouble}`);
    said = broker.trouble ?? said;
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}

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

function listen({ http }: Config, fetch: (request: Request) => Response | Promise<Response>) {
  try {
    // n.b. Bun cuts a request that is silent for 10 s unless idleTimeout is 0: an induction takes minutes.
    return Bun.serve({ hostname: http.host, port: http.port, idleTimeout: 0, fetch });
  } catch (error) {
    const taken = (error as { code?: unknown }).code === "EADDRINUSE";
    const why = taken
      ? "is taken by another process; stop it, or set http.port"
      : `cannot be listened on: ${textOf(error)}`;
    throw new Exit(exits.unavailable, `port ${http.port} of ${http.host} ${why}`);
  }
}

function introduce(
  { config, file, hints, warnings }: Loaded,
  placed: readonly Placed[],
  broker: Broker,
  url: string,
  log: Log,
): void {
  const lines = [
    versionText,
    `  configuration  ${file ?? "environment and defaults"}`,
    `  trigger        POST ${url}/eposh-induction`,
    `  broker         ${broker.label}`,
    `  Eposh          ${new URL(config.eposh.url).origin}`,
    `  HikCentral     ${new URL(config.hikcentral.url).origin}`,
    `  state          ${config.state.folder}`,
    ...placed.map(
      ({ stage, origin, consumed }) =>
        `  stage          ${stage.name} ← ${stage.queue} (${origin}${consumed ? "" : ", disabled here"})`,
    ),
  ];
  for (const line of lines) log.info(line);
  for (const text of [...warnings, ...hints]) log.warn(text);
}
