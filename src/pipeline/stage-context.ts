import * as v from "valibot";
import type { Broker } from "../broker/broker.ts";
import type { KnownQueues } from "../broker/known-queues.ts";
import type { FailureCode } from "../errors/codes.ts";
import { Reject } from "../errors.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { Context, Stage, StageLog } from "../stage.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import type { Caller } from "../util/caller.ts";
import type { KeyedMutex } from "../util/keyed-mutex.ts";
import type { Arrivals } from "../util/turns/arrivals.ts";
import { inParts } from "../util/turns/in-parts.ts";
import type { Pause } from "./consume-session.ts";
import type { FollowUp } from "./emit.ts";
import type { Envelope } from "./envelope.ts";
import type { InFlightJournal } from "./in-flight-journal.ts";
import type { LedgerOfLetters } from "./retry/dead-letter.ts";
import type { DeadLetterQueues } from "./retry/dead-letter-queues.ts";
import type { Delay } from "./retry/policy.ts";

/** Lines of the log: each is masked and written, which takes a tenth of a millisecond. */
const printedAtATime = 10;

type Made = Pick<Context, "hikcentral" | "eposh" | "photo" | "memory" | "records" | "site">;
export type Makers = { readonly [Name in keyof Made]: () => Made[Name] };

/** The dependencies of a delivery handler; `stages run` gives it others. */
export interface HandlerDeps {
  readonly broker: Pick<Broker, "publish" | "declare">;
  readonly ledger: Pick<Ledger, "record" | "isCancelled" | "superseded"> & LedgerOfLetters;
  /** What the dead-letter queues hold. */
  readonly letters: Pick<DeadLetterQueues, "has" | "add">;
  readonly log: Log;
  readonly locks: KeyedMutex;
  readonly arrivals: Arrivals;
  readonly journal: Pick<InFlightJournal, "begin" | "waiting" | "settle" | "requeue">;
  readonly metrics: Pick<Metrics, "passed" | "personDone" | "charged" | "warned">;
  readonly breakers: ReadonlyMap<string, Pick<CircuitBreaker, "isDown">>;
  /** The retry schedule, shortest delay first. */
  readonly delays: readonly Delay[];
  /** An unfinished message is requeued after this time, uncharged. */
  readonly holdForMs: number;
  /** Makes the clients for one message, each on demand: most stages need one or two. */
  readonly clients: (caller: Caller, envelope: Envelope) => Makers;
  /** Called with each retry or dead-letter queue that was published to. */
  readonly onDeferred: (queue: string) => void;
  readonly now: () => Date;
  readonly dryRun: boolean;
}

/** The dependencies that all workers of a pipeline share. */
export interface PipelineDeps extends HandlerDeps {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly journal: InFlightJournal;
  readonly knownQueues: KnownQueues;
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  /** A stage with ready messages and without progress for this time is stalled. */
  readonly stallMs: number;
  readonly onPause: (stage: string, pause: Pause) => void;
}

/** A code and a text: a warning, or why a message ended. */
export interface Reason {
  readonly code: FailureCode;
  readonly text: string;
}

/** Collects the warnings and log lines of a run. Lines are held back until the result is confirmed. */
export class StageOutput {
  readonly warnings: Reason[] = [];
  readonly followUps: FollowUp[] = [];
  readonly log: StageLog;
  #pending: (() => void)[] = [];

  constructor(
    readonly own: Log,
    isAlone: () => boolean,
  ) {
    const { debug, info, warn, error } = own;
    this.log = {
      debug: (text) => debug(text),
      info: (text) => void this.#pending.push(() => info(text)),
      warn: (text) => warn(text),
      error: (text) => error(text),
      detail: (text) => void this.#pending.push(() => (isAlone() ? info(text) : debug(text))),
    };
  }

  warn(code: FailureCode, text: string): void {
    this.warnings.push({ code, text });
    this.own.warn(text, { code });
  }

  /** A page has a line for each of its employees. */
  async print(): Promise<void> {
    for await (const part of inParts(this.#pending.splice(0), printedAtATime)) for (const line of part) line();
  }
}

/** The message for `run`. Rejects with `bad_message` if it does not match the stage; the text quotes no value. */
export function parsed(body: unknown, { name, queue, message }: Stage): unknown {
  const fix = `fix whatever publishes to ${queue}`;
  if (body === undefined) throw new Reject("bad_message", `the message is not JSON; ${fix}`);
  const checked = v.safeParse(message, body);
  if (checked.success) return checked.output;
  const wrong = checked.issues.map((issue) => `${v.getDotPath(issue) ?? "the message"} must be ${issue.expected}`);
  throw new Reject("bad_message", `the message does not fit ${name}: ${wrong.join(", ")}; ${fix}`);
}

/** The context that `run` gets beside its message. */
export function createContext(
  deps: HandlerDeps,
  { stage, options, followers }: RegisteredStage,
  envelope: Envelope,
  { caller, output }: { caller: Caller; output: StageOutput },
): Context<never> {
  const { signal } = caller;
  const superseded = deps.ledger.superseded(stage.name, envelope.code, envelope);
  const meta = { ...envelope, superseded, ageMs: deps.now().getTime() - envelope.firstSeenAt.getTime() };
  const warn = (code: FailureCode, text: string) => output.warn(code, text);
  const follow: Context["follow"] = (name, handed) => {
    if (!followers.some((one) => one.stage.name === name)) throw new Error(`no stage ${name} follows ${stage.name}`);
    output.followUps.push({ stage: name, ...handed });
  };
  const own = { options: options as never, meta, log: output.log, signal, dryRun: deps.dryRun, warn, follow };
  return Object.assign(whenAsked(deps.clients(caller, envelope)), own);
}

/** Each is made once, when the stage asks for it. */
function whenAsked(makers: Makers): Made {
  const made: Partial<Made> = {};
  const get = <Name extends keyof Made>(name: Name): Made[Name] => {
    const one: Made[Name] = made[name] ?? makers[name]();
    made[name] = one;
    return one;
  };
  return {
    get hikcentral() {
      return get("hikcentral");
    },
    get eposh() {
      return get("eposh");
    },
    get photo() {
      return get("photo");
    },
    get memory() {
      return get("memory");
    },
    get records() {
      return get("records");
    },
    get site() {
      return get("site");
    },
  };
}
