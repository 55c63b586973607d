import type { Broker } from "../broker/broker.ts";
import type { KnownQueues } from "../broker/known-queues.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Log } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Context } from "../stage.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import type { KeyedMutex } from "../util/keyed-mutex.ts";
import type { Pause } from "./consume-session.ts";
import type { Envelope } from "./envelope.ts";
import type { InFlightJournal } from "./in-flight-journal.ts";
import type { Delay } from "./retry/policy.ts";

type Made = Pick<Context, "hikcentral" | "eposh" | "photo" | "site">;
export type Makers = { readonly [Name in keyof Made]: () => Made[Name] };

/** Each is made when the stage asks for it, once. */
export function whenAsked(makers: Makers): Made {
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
    get site() {
      return get("site");
    },
  };
}

/** What the workers of a pipeline share. */
export interface PipelineDeps {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly locks: KeyedMutex;
  readonly journal: InFlightJournal;
  readonly metrics: Metrics;
  readonly knownQueues: KnownQueues;
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
  /** The retry schedule, shortest delay first. */
  readonly delays: readonly Delay[];
  /** After how long without any movement a stage with work ready is said to stall. */
  readonly stallMs: number;
  /** After how long a message that is not finished goes back, uncharged. */
  readonly holdForMs: number;
  /** How to make what a stage may ask for, listening to one message's signal: most ask for one or two. */
  readonly clients: (signal: AbortSignal, meta: Envelope) => Makers;
  readonly onPause: (stage: string, pause: Pause) => void;
  readonly now: () => Date;
}
