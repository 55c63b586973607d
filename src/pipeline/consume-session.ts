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
 * messages in progress are then finished, or kept for the next session.
 */
export class ConsumeSession {
  readonly #ended = Promise.withResolvers<Pause | undefined>();
  readonly #inFlight = new Map<Abortable, Promise<void>>();
  isOver = false;
  /** A canary: one message was answered for. */
  isProven = false;
  /** Why it ended, if it was a pause. */
  pause: Pause | undefined;

  constructor(
    /** Ends as soon as one message was answered for: the way back from a refusal. */
    readonly canary: boolean,
    /** Told of each failure that counts, before it is charged: it may end the session. */
    readonly charge: (failure: Failed) => void,
    /** Told whenever anything moves for a message in it. */
    readonly progress: () => void,
  ) {}

  /** Resolves when it ends, with the pause that ended it, if it was one. */
  readonly ended = this.#ended.promise;

  get inFlight(): number {
    return this.#inFlight.size;
  }

  end(pause?: Pause): void {
    if (!this.isOver) this.pause = pause;
    this.isOver = true;
    this.#ended.resolve(pause);
  }

  prove(): void {
    if (this.isOver) return;
    this.isProven = true;
    this.end();
  }

  track(task: Abortable, work: Promise<void>): void {
    this.#inFlight.set(
      task,
      work.finally(() => this.#inFlight.delete(task)),
    );
  }

  abort(reason: string): void {
    for (const task of this.#inFlight.keys()) task.abort(reason);
  }

  async whenEmpty(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight.values());
  }
}
