import type { FailureCode } from "../errors/codes.ts";

/** Why a stage takes no work. `outage`: an upstream is down. `setup`: it refuses us. `streak`: the same failure for
 * twenty different messages. `operator`: a human said so. */
export interface Pause {
  readonly reason: "outage" | "setup" | "streak" | "operator";
  readonly upstream: string | undefined;
  readonly code: FailureCode;
  readonly text: string;
}

/** A message (its `hs-id`), and why it is charged. */
export interface Failed {
  readonly id: string;
  readonly code: FailureCode;
  readonly text: string;
}

interface Abortable {
  abort(reason: string): void;
}

/**
 * One stretch of consuming, from subscribing to the next pause or stop. Whoever meets a reason to pause ends it; the
 * consumer is stopped before anything goes back, or the broker would hand it out again at once.
 */
export class ConsumeSession {
  readonly #ended = Promise.withResolvers<Pause | undefined>();
  readonly #whenStopped = Promise.withResolvers<void>();
  readonly #inFlight = new Map<Abortable, Promise<void>>();
  isOver = false;
  /** When something last went out of it (performance.now()); that it was begun is no movement. */
  lastProgressAt = 0;
  /** Why it ended, if it was a pause. */
  pause: Pause | undefined;

  constructor(
    /** End the session as soon as one message went through: the way back from a refusal. */
    readonly canary: boolean,
    /** Told of each failure that counts, before it is charged: it may end the session. */
    readonly failed: (failure: Failed) => void,
  ) {}

  /** Resolves when it ends, with the pause that ended it, if it was one. */
  readonly ended = this.#ended.promise;
  /** Resolves when no more deliveries come. */
  readonly whenConsumerStopped = this.#whenStopped.promise;

  get inFlight(): number {
    return this.#inFlight.size;
  }

  end(pause?: Pause): void {
    if (!this.isOver) this.pause = pause;
    this.isOver = true;
    this.#ended.resolve(pause);
  }

  consumerStopped(): void {
    this.#whenStopped.resolve();
  }

  track(hand: Abortable, work: Promise<void>): void {
    this.#inFlight.set(
      hand,
      work.finally(() => this.#inFlight.delete(hand)),
    );
  }

  abort(reason: string): void {
    for (const hand of this.#inFlight.keys()) hand.abort(reason);
  }

  async whenEmpty(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight.values());
  }
}
