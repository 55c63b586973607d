/** A message to publish: a body that is sent byte for byte, and headers (4 KB at most; amqplib throws above 64 KB). */
export interface Outgoing {
  body: string | Uint8Array;
  headers?: Headers;
}

export type Headers = Record<string, string | number | boolean>;

/** A message in progress. Exactly one of `ack` and `requeue` ends it; after `revoked` both do nothing. */
export interface Delivery {
  readonly queue: string;
  readonly body: Uint8Array;
  /** As they arrived, also from foreign publishers: check before use. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Whether the broker says that it was delivered before. */
  readonly redelivered: boolean;
  /** How often it came back to its queue, as far as the broker counts: a quorum queue drops a message at a limit. */
  readonly returns: number;
  /** Aborts when the broker took it back (connection or channel gone): it will be delivered again. */
  readonly revoked: AbortSignal;
  /** When the broker handed it out (performance.now()). */
  readonly takenAt: number;
  /** False once it is acknowledged, requeued or revoked. */
  readonly isOpen: boolean;
  /** Deletes it permanently. Never before everything that follows from it is confirmed. */
  ack(): void;
  /** Back to the queue, before what was never delivered. RabbitMQ may count it, and drop a message at a limit. */
  requeue(): void;
}

export interface ConsumeOptions {
  readonly prefetch: number;
  readonly take: (delivery: Delivery) => void;
  /** Called with the reason why the consumer cannot come back, e.g. a refused permission; `undefined` once it is back. */
  readonly onTrouble?: (text: string | undefined) => void;
}

export interface Consumer extends AsyncDisposable {
  /** No new deliveries once this resolves; those in progress stay valid, and some may come until then. Idempotent. */
  stop(): Promise<void>;
}

/** `blocked` is a broker alarm: publishes wait, nothing fails. */
export type BrokerState = "connecting" | "up" | "blocked" | "closed";

export interface Depth {
  /** Ready to be delivered, without those in progress. */
  ready: number;
  consumers: number;
  /** Whether some of the consumers may be somebody else's. */
  isShared: boolean;
}

/**
 * A durable queue, one contract for two transports. A queue is declared before it is used; every queue is durable
 * and first in, first out. All promises reject with `BrokerDown` while the broker cannot be reached.
 */
export interface Broker extends AsyncDisposable {
  /** As the trigger's answer names it: "RabbitMQ" or "the embedded queue". */
  readonly label: string;
  readonly state: BrokerState;
  /** Why it is not up, without credentials. */
  readonly trouble: string | undefined;
  /**
   * Declared queues that cannot be reached although the broker can, and why; noticed within 15 s, and within a minute
   * where the only ones are retry or dead-letter queues.
   */
  readonly unreachable: ReadonlyMap<string, string>;
  /** When it last came back after a loss (performance.now()); long ago if it never did. */
  readonly backAt: number;
  /** Called at each change of state; returns how to stop listening. */
  onState(listener: (state: BrokerState) => void): () => void;
  /**
   * Checks first. A missing queue is declared durable, of the configured type; resolves once it would survive a crash.
   * An existing queue is left as it is.
   */
  declare(queues: readonly string[]): Promise<void>;
  /**
   * Resolves once every message is stored durably **and** routed to the queue; rejects when one may not be. When
   * `signal` aborts, the wait ends: the messages may or may not be there.
   */
  publish(queue: string, messages: readonly Outgoing[], signal?: AbortSignal): Promise<void>;
  /**
   * At most `prefetch` deliveries unsettled at a time. Comes back by itself after a reconnect, a cancelled
   * consumer or a closed channel, until stopped.
   */
  consume(queue: string, options: ConsumeOptions): Promise<Consumer>;
  /** The message at the head, in progress until it is settled; undefined where the queue holds none. */
  take(queue: string, signal?: AbortSignal): Promise<Delivery | undefined>;
  /**
   * Where `take` is a round trip: up to so many from the head in a few of them. Fewer do not mean that the queue holds no
   * more.
   */
  takeTogether?(queue: string, count: number): Promise<Delivery[]>;
  /**
   * Of those that exist and can be reached. All are asked at once; callers share the answers, which may be half a second old. Rejects
   * with the reason of `signal` when that aborts first.
   */
  depths(queues: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Depth>>;
}

/** The transport itself failed; the call may work once it is back. Nothing else throws this. */
export class BrokerDown extends Error {}
