/** Why a stage takes no work. `outage`: an upstream is down. `setup`: it refuses us. `streak`: the same failure for
 * twenty different messages. `operator`: a human said so. */
export interface Pause {
  readonly reason: "outage" | "setup" | "streak" | "operator";
  readonly upstream: string | undefined;
  readonly code: string;
  readonly text: string;
}

/** A message (its `hs-id`), and why it is charged. */
export interface Failed {
  readonly id: string;
  readonly code: string;
  readonly text: string;
}

interface Abortable {
  abort(reason: string): void;
}

/**
 * One stretch of consuming, from subscribing to the next pause or stop. Whoever meets a reason to pause ends it; the
 * consumer is stopped before anything goes back, or the broker would hand it out again at once.
 */
export class Round {
  readonly #ended = Promise.withResolvers<Pause | undefined>();
  readonly #quiet = Promise.withResolvers<void>();
  readonly #hands = new Map<Abortable, Promise<void>>();
  over = false;
  /** When something last went out of it (performance.now()); that it was begun is no movement. */
  movedAt = 0;
  /** Why it ended, if it was a pause. */
  pause: Pause | undefined;

  constructor(
    /** End the round as soon as one message went through: the way back from a refusal. */
    readonly trial: boolean,
    /** Told of each failure that counts, before it is charged: it may end the round. */
    readonly failed: (failure: Failed) => void,
  ) {}

  /** Resolves when it ends, with the pause that ended it, if it was one. */
  readonly ended = this.#ended.promise;
  /** Resolves when no more deliveries come. */
  readonly quiet = this.#quiet.promise;

  get inHand(): number {
    return this.#hands.size;
  }

  end(pause?: Pause): void {
    if (!this.over) this.pause = pause;
    this.over = true;
    this.#ended.resolve(pause);
  }

  hush(): void {
    this.#quiet.resolve();
  }

  hold(hand: Abortable, work: Promise<void>): void {
    this.#hands.set(
      hand,
      work.finally(() => this.#hands.delete(hand)),
    );
  }

  abort(reason: string): void {
    for (const hand of this.#hands.keys()) hand.abort(reason);
  }

  async emptied(): Promise<void> {
    while (this.#hands.size > 0) await Promise.all(this.#hands.values());
  }
}
