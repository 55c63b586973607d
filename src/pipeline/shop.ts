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
  /** The clients, listening to one message's signal. */
  readonly clients: (signal: AbortSignal, meta: Tracked) => Pick<Context, "hikcentral" | "eposh" | "photo" | "site">;
  readonly onPause: (stage: string, pause: Pause) => void;
  readonly now: () => Date;
}
