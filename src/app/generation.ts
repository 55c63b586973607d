import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hono } from "hono";
import { type Clients, createClients } from "../clients.ts";
import { DateError, datesOf, formatDuration, todayIn } from "../config/dates.ts";
import { type Config, type InUse, type LocalConfig, siteOf } from "../config/load.ts";
import { textOf } from "../errors.ts";
import { readinessOf } from "../http/readiness.ts";
import { type DatesFor, RunStarter } from "../http/run-starter.ts";
import { memoryOf } from "../ledger/person-memory.ts";
import { photosOf } from "../ledger/photos/history.ts";
import { noteSource } from "../ledger/photos/sources.ts";
import { digest, recordsOf } from "../ledger/unchanged.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { SharedExamination } from "../operator/examination.ts";
import { closeLostRuns } from "../operator/lost-runs.ts";
import { Operator } from "../operator/operator.ts";
import { PausedStages } from "../operator/paused-stages.ts";
import type { PhotoSource } from "../people/types.ts";
import { Pipeline } from "../pipeline/pipeline.ts";
import { DeadLetterQueues } from "../pipeline/retry/dead-letter-queues.ts";
import type { PipelineDeps } from "../pipeline/stage-context.ts";
import { NightlyComparison } from "../reconcile/nightly.ts";
import { loadStages } from "../registry/builtin.ts";
import { followedOf, type RegisteredStage } from "../registry/registry.ts";
import type { Sessions } from "../ui/sessions.ts";
import type { UiOptions } from "../ui/view.ts";
import type { DecoderPool } from "../upstreams/decoder/decoder-pool.ts";
import { untilAborted } from "../util/abort.ts";
import { Attempts } from "../util/access/attempts.ts";
import type { Caller } from "../util/caller.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";
import { Arrivals } from "../util/turns/arrivals.ts";
import { startWhenUp } from "./startup.ts";

/** The parts that all generations share. */
export interface SharedParts
  extends Pick<PipelineDeps, "ledger" | "broker" | "journal" | "knownQueues" | "log" | "now" | "holdForMs"> {
  readonly decoders: DecoderPool | undefined;
  readonly metrics: Metrics;
  /** Files that the daemon has open and the next start would not find. */
  readonly removed: { readonly paths: readonly string[] };
  /** Of the page; a reload ends none. */
  readonly sessions: Sessions;
  /** The last one is shown after a reload too. */
  readonly examination: SharedExamination;
  /** http://127.0.0.1:5000 */
  readonly origin: () => string;
  /** A queue.db whose messages are moved to RabbitMQ before anything is consumed. */
  readonly queueToMigrate: string | undefined;
}

/** Unfinished deliveries of a stopping daemon are requeued within it. */
const graceMs = 500;
const closeRunsEveryMs = 60_000;
const dropEveryMs = 3_600_000;

/** Clients, pipeline and routes of one configuration; a reload makes the next one and stops this one. */
export class Generation {
  readonly clients: Clients;
  readonly pipeline: Pipeline;
  readonly #parts: SharedParts;
  readonly #makeApp: () => Promise<Hono>;
  #app: Promise<Hono> | undefined;
  readonly #starting = new AbortController();
  #live: Disposable | undefined;
  readonly #closeRuns: () => Promise<void>;
  readonly operator: Operator;
  readonly #letters: DeadLetterQueues;
  readonly #nightly: NightlyComparison;
  #closing: ReturnType<typeof setInterval> | undefined;
  #dropping: ReturnType<typeof setInterval> | undefined;
  #started: Promise<unknown> = Promise.resolve();

  constructor(
    readonly loaded: InUse,
    registered: readonly RegisteredStage[],
    parts: SharedParts,
  ) {
    const { config } = loaded;
    const { ledger, broker, metrics, removed, log, now } = parts;
    this.#parts = parts;
    const clients = createClients(config, log, metrics.called, { decoders: parts.decoders });
    ledger.settings = settingsMark(config);
    const untilOpen = (name: string, { signal }: Caller) =>
      AbortSignal.any([signal, clients.breakers.get(name)?.signal ?? signal]);
    const { breakers } = clients;
    const queues = () => pipeline.knownQueues;
    const letters = new DeadLetterQueues({ broker, ledger, registered, queues, mask: log.mask, now });
    const pipeline: Pipeline = new Pipeline(registered, {
      ...parts,
      breakers,
      letters,
      locks: new KeyedMutex(),
      arrivals: new Arrivals(),
      delays: config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) })),
      stallMs: config.broker.stallTimeoutMs,
      dryRun: false,
      clients: (caller, envelope) => ({
        hikcentral: () => clients.hikcentral.for(untilOpen("hikcentral", caller), caller),
        eposh: () => clients.eposh.for(untilOpen("eposh", caller), caller),
        photo: () => {
          const { code } = envelope;
          const fetched = (link: string, source: PhotoSource) => {
            if (code !== undefined) noteSource(ledger, code, link, source);
          };
          return { ...clients.photos.for(caller.signal, { ...caller, fetched }), ...photosOf(ledger, envelope) };
        },
        records: () => recordsOf(ledger, (atLeast) => clients.hikcentral.personCount(atLeast, caller)),
        memory: () => memoryOf(ledger, envelope, (what) => metrics.overwrote(what)),
        site: () => siteOf(config, todayIn(config.site.timeZone, now())),
      }),
    });
    const queue = registered.find(({ stage }) => stage.name === "induction")?.stage.queue ?? "";
    this.#closeRuns = () => closeLostRuns({ broker, ledger, pipeline, log });
    const trigger = new RunStarter({
      broker,
      ledger,
      pipeline,
      queue,
      datesFor: datesFor(config, now),
      closeLostRuns: this.#closeRuns,
      now,
    });
    const paused = new PausedStages(config.state.folder);
    const { photos } = clients;
    const health = { pipeline, broker, breakers, ledger, photos, removed, metrics, now };
    const { hikcentral, eposh } = clients;
    const { regionals, guard, site } = config;
    const upstreams = { hikcentral, eposh, regionals, handsOff: guard.handsOff, timeZone: site.timeZone };
    const readiness = () => readinessOf(health);
    const running = { pipeline, letters, breakers, photos, removed, readiness, upstreams };
    const operator = new Operator({ broker, ledger, registered, paused, queues, mask: log.mask, running, now });
    this.#letters = letters;
    this.operator = operator;
    this.clients = clients;
    this.pipeline = pipeline;
    ledger.leaves = pipeline.leaves;
    ledger.cases.followed = followedOf(registered);
    const isPaused = (queue: string) =>
      pipeline.workers.some(({ registered: { stage }, state }) => stage.queue === queue && state.pause !== undefined);
    const { examination } = parts;
    examination.examine = async () => {
      const { examineSystems } = await import("../doctor/doctor.ts");
      const { signal } = this.#starting;
      return examineSystems(config, { registered: Promise.resolve(registered), isPaused, mask: log.mask, signal });
    };
    this.#nightly = new NightlyComparison({
      clients,
      config,
      ledger,
      startRun: (fix) => trigger.start(fix, false, { how: "nightly" }),
      log,
      now,
    });
    this.#makeApp = async () => {
      const attempts = new Attempts();
      const { http } = config;
      const { timeZone } = config.site;
      const startRun: UiOptions["startRun"] = (asked, name) => trigger.start(asked, false, { how: "page", name });
      const { sessions, origin } = parts;
      const ofPage = {
        operator,
        startRun,
        examination,
        sessions,
        attempts,
        http,
        timeZone,
        settings: loaded,
        origin,
        log,
      };
      const ui = http.ui ? (await import("../ui/ui.tsx")).createUi(ofPage) : undefined;
      const { healthRoutes } = await import("../http/health.ts");
      const { createApp } = await import("../http/app.ts");
      this.#live = ui?.live;
      const routes = { trigger, operator, health: healthRoutes(health), examination, ui: ui?.app };
      return createApp({ ...routes, attempts, http, timeZone, log });
    };
  }

  /** What the daemon answers over HTTP: made for the first request, or soon after the start, which does not wait for it. */
  get app(): Promise<Hono> {
    this.#app ??= this.#makeApp();
    return this.#app;
  }

  /** Consumes once the broker is up. */
  start(): void {
    const { broker, log, queueToMigrate } = this.#parts;
    const { pipeline } = this;
    // The start waits neither for the time at the site nor for the pages. Nobody asks for a list of letters before them.
    setTimeout(() => {
      if (this.#starting.signal.aborted) return;
      this.#nightly.schedule();
      void this.app;
      void this.#started.then(() => this.#letters.compare()).catch(() => {});
    }, 1_000).unref();
    const failed = (error: unknown) => log.warn(`whether runs are lost is unknown: ${textOf(error)}`);
    this.#closing = setInterval(() => void this.#closeRuns().catch(failed), closeRunsEveryMs).unref();
    // What a broker that is away keeps is dropped the next time.
    this.#dropping = setInterval(() => void this.operator.dead.dropExpired().catch(() => {}), dropEveryMs).unref();
    this.#started = startWhenUp({ broker, pipeline, log, queueToMigrate, signal: this.#starting.signal });
  }

  /** Finishes what is in progress until the deadline; the rest is delivered again later. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#starting.abort();
    this.#nightly[Symbol.dispose]();
    clearInterval(this.#closing);
    clearInterval(this.#dropping);
    this.#live?.[Symbol.dispose]();
    const stopped = this.#started.then(() => this.pipeline.stop(deadline));
    // A broker that hangs does not answer the stop either; it takes unsettled deliveries back by itself.
    await untilAborted(stopped, deadline).catch(() => Promise.race([stopped, sleep(graceMs)]));
    await this.clients[Symbol.asyncDispose]();
  }
}

export const registeredStages = async (config: Config | LocalConfig, { mask }: Pick<Log, "mask">) =>
  (await loadStages(config, mask)).map((one) =>
    one.stage.local ? withQueue(one, localQueue(one.stage.queue, config)) : one,
  );

/** Of all that decides what is written of a record. n.b. The first day of the validity may be the day of the run. */
const settingsMark = ({ regionals, hikcentral, photo, guard }: Config) => {
  const { timeoutMs: _, concurrency: __, appSecret: ___, ...settings } = hikcentral;
  return digest([regionals, settings, photo.required, photo.allowedHosts, guard]);
};

/** The induction queue belongs to the daemon of one state folder, so two daemons on one machine have two. */
function localQueue(queue: string, { state }: LocalConfig): string {
  const folder = new Bun.CryptoHasher("sha256").update(state.folder).digest("hex").slice(0, 6);
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
    if (!whole && from === undefined) return { problem: "from is missing; to requires it" };
    const range = whole ? induction : { from: from ?? today, to: to ?? today, skip: [] };
    try {
      const dates = datesOf({ ...range, ...(skip && { skip }), maxDays: induction.maxDays, today });
      return dates.length > 0 ? { dates } : { problem: "no date is left: skip excludes all of them" };
    } catch (error) {
      if (error instanceof DateError) return { problem: error.message };
      throw error;
    }
  };
}
