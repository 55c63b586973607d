import type { Broker, BrokerState, Depth } from "../broker/broker.ts";
import { type Unconsumed, type Unreachable, unreachableOf } from "../broker/known-queues.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Overwrite, type OverwriteFilter, overwritesOf } from "../ledger/overwrites.ts";
import { type RunView, runOf, runsOf } from "../ledger/runs.ts";
import { type Trace, traceOf } from "../ledger/trace.ts";
import type { Mask } from "../observability/mask.ts";
import type { Decision } from "../people/types.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { DeadLetterQueues } from "../pipeline/retry/dead-letter-queues.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { CircuitBreaker, ShownState } from "../upstreams/circuit-breaker.ts";
import type { PhotoClient } from "../upstreams/photos.ts";
import type { CaseList } from "./cases.ts";
import { DeadLetters } from "./dead-letters.ts";
import { type Decided, decide } from "./decide.ts";
import type { PausedStages } from "./paused-stages.ts";
import type { Upstreams } from "./who/upstreams.ts";

type Readiness = Pick<StatusView, "ready" | "stages" | "unconsumed" | "removed">;
/** How long `status` waits for the broker; what is not known by then is null. */
const patienceMs = 1_500;

export interface OperatorOptions {
  broker: Broker;
  ledger: Ledger;
  registered: readonly RegisteredStage[];
  paused: PausedStages;
  /** All known queues, including those of former stages. */
  queues: () => readonly string[];
  mask: Mask;
  /** The running parts; missing where a command reads the state folder of a daemon that has ended. */
  running?: {
    pipeline: Pipeline;
    letters: DeadLetterQueues;
    breakers: ReadonlyMap<string, CircuitBreaker>;
    photos: Pick<PhotoClient, "shown" | "for">;
    removed: { readonly paths: readonly string[] };
    readiness: () => Promise<Readiness>;
    /** For whoever asks about one person. */
    upstreams: Upstreams;
  };
  now?: () => Date;
}

export interface StatusView {
  ready: boolean;
  broker: { label: string; state: BrokerState; trouble: string | null };
  /** `since`: of `down`, or the last answer of one that is `not asked`, null where it was never asked. */
  upstreams: { name: string; state: ShownState; since: Date | null }[];
  stages: { name: string; state: string; paused: string | null; since: Date | null }[];
  unreachable: Unreachable[];
  unconsumed: Unconsumed[];
  /** Files that the daemon has open and the next start would not find. */
  removed: readonly string[];
  /** Null if the broker does not answer in time. */
  queues: ({ queue: string } & Pick<Depth, "ready" | "consumers">)[] | null;
  deadLetters: CaseList;
  lastRun: RunView | null;
}

/** What an operator may see and do, with a running daemon or with the state folder of one that has ended. */
export class Operator {
  readonly dead: DeadLetters;
  readonly #now: () => Date;

  constructor(readonly options: OperatorOptions) {
    const { now = () => new Date(), paused, running } = options;
    const { letters = new DeadLetterQueues({ ...options, now }) } = running ?? {};
    this.dead = new DeadLetters({ ...options, letters, isShortLived: running === undefined, now });
    this.#now = now;
    for (const [stage, since] of paused.all) this.#pause(stage, since);
  }

  async status(): Promise<StatusView> {
    const { broker, registered, running, paused, ledger } = this.options;
    const [queues, readiness, deadLetters] = await Promise.all([
      this.queues(),
      running?.readiness(),
      this.dead.summary(),
    ]);
    const stopped = registered.map(({ stage: { name } }) => {
      const since = paused.all.get(name);
      if (since === undefined) return { name, state: "stopped", paused: null, since: null };
      return { name, state: "paused", paused: operatorPauseText(name), since: new Date(since) };
    });
    const { ready, stages, unconsumed, removed } = readiness ?? {
      ready: false,
      stages: stopped,
      unconsumed: [],
      removed: [],
    };
    const upstreams = running ? [...running.breakers.values(), { name: "photo", shown: running.photos.shown }] : [];
    return {
      ready,
      broker: { label: broker.label, state: broker.state, trouble: broker.trouble ?? null },
      upstreams: upstreams.map(({ name, shown: { state, since } }) => ({ name, state, since: since ?? null })),
      stages: stages.map(({ name, state, paused, since }) => ({ name, state, paused, since })),
      unreachable: unreachableOf(broker),
      unconsumed,
      removed,
      queues,
      deadLetters,
      lastRun: runsOf(ledger.rows, 1)[0] ?? null,
    };
  }

  /** The pause survives restarts. False if no such stage runs here. */
  pause(stage: string): boolean {
    const { paused, registered } = this.options;
    if (!registered.some((one) => one.enabledHere && one.stage.name === stage)) return false;
    paused.set(stage, this.#now().toISOString());
    this.#pause(stage, paused.all.get(stage) ?? "");
    return true;
  }

  /** False if no operator paused the stage. */
  resume(stage: string): boolean {
    const { paused, running } = this.options;
    if (!paused.all.has(stage)) return false;
    paused.delete(stage);
    running?.pipeline.worker(stage)?.resume();
    return true;
  }

  /** By KIB or NIK. */
  trace(key: string): Trace[] {
    const { ledger, registered } = this.options;
    const nextOf = (stage: string) => registered.find((one) => one.stage.name === stage)?.successors ?? [];
    const enabledAfter = (stage: string) =>
      nextOf(stage).flatMap((next) => (next.enabledHere ? [next.stage.name] : []));
    return traceOf(ledger, key.trim(), enabledAfter);
  }

  /** What was replaced of persons known to HikCentral, newest first. */
  changes(filter: OverwriteFilter): Overwrite[] {
    return overwritesOf(this.options.ledger.rows, filter);
  }

  /** Decides an identity conflict, for exactly this record and the name that HikCentral's person has now. */
  decide(id: string, decision: Decision, signal?: AbortSignal): Promise<Decided | { problem: string }> {
    return decide(this.dead, id, decision, signal);
  }

  runs(count?: number): RunView[] {
    return runsOf(this.options.ledger.rows, count);
  }

  /** Null where the broker does not answer in time. */
  async queues(): Promise<({ queue: string } & Pick<Depth, "ready" | "consumers">)[] | null> {
    const { broker, queues } = this.options;
    if (broker.state !== "up") return null;
    const depths = await broker.depths(queues(), AbortSignal.timeout(patienceMs)).catch(() => null);
    return depths && [...depths].map(([queue, { ready, consumers }]) => ({ queue, ready, consumers }));
  }

  run(id: string): RunView | undefined {
    return runOf(this.options.ledger.rows, id);
  }

  /** The messages of the run end at their next stage; what is done stays. Undefined for an unknown run. */
  cancel(id: string): { view: RunView | undefined; isCancelled: boolean } | undefined {
    const { ledger } = this.options;
    const view = this.run(id);
    if (view?.status === "done") return { view, isCancelled: false };
    if (view === undefined) return undefined;
    ledger.cancelRun(id);
    return { view: this.run(id), isCancelled: true };
  }

  #pause(stage: string, since: string): void {
    this.options.running?.pipeline.worker(stage)?.pause(operatorPauseText(stage), new Date(since));
  }
}

const operatorPauseText = (stage: string) => `an operator paused the stage; to resume: hikvision-sync resume ${stage}`;
