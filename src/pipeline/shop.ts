import type { Broker } from "../broker/broker.ts";
import type { Hands } from "../hands.ts";
import type { Ledger } from "../ledger.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { RememberedQueues } from "../queues.ts";
import type { Context } from "../stage.ts";
import type { Delay } from "./decide.ts";
import type { Tracked } from "./meta.ts";
import type { Pause } from "./round.ts";
import type { Turns } from "./turns.ts";
import type { Upstream } from "./upstream.ts";

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
export interface Shop {
  readonly broker: Broker;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly turns: Turns;
  readonly hands: Hands;
  readonly metrics: Metrics;
  readonly remembered: RememberedQueues;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** The ladder, shortest first. */
  readonly delays: readonly Delay[];
  /** After how long without any movement a stage with work ready is said to stall. */
  readonly stallMs: number;
  /** After how long a message that is not finished goes back, uncharged. */
  readonly holdForMs: number;
  /** How to make what a stage may ask for, listening to one message's signal: most ask for one or two. */
  readonly clients: (signal: AbortSignal, meta: Tracked) => Makers;
  readonly onPause: (stage: string, pause: Pause) => void;
  readonly now: () => Date;
}
