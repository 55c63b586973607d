import type { FailureCode } from "../errors/codes.ts";
import type { Doubts } from "./retry/doubts.ts";

/** Why a stage is paused. `outage`: an upstream is down. `setup`: an upstream rejects our set-up. `streak`: 20 different
 * messages in a row failed alike. `operator`: an operator said so. */
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
 * One period of consuming, from subscribing to the next pause or stop. Whatever finds a reason to pause may end it; the
 * messages in progress are then finished, or kept for the next session.
 */
export class ConsumeSession {
  readonly #ended = Promise.withResolvers<Pause | undefined>();
  readonly #inFlight = new Map<Abortable, Promise<void>>();
  isOver = false;
  /** For a canary: one message had an outcome. */
  isProven = false;
  /** The pause that ended it, if any. */
  pause: Pause | undefined;

  constructor(
    /** Whether this is a canary, which ends as soon as one message has an outcome. */
    readonly canary: boolean,
    /** Called for each counted failure, before it is charged; may end the session. */
    readonly charge: (failure: Failed) => void,
    /** Judges a failure that may mean one message or the upstream. */
    readonly doubts: Pick<Doubts, "judge">,
    /** Called at every progress of a message in the session. */
    readonly progress: () => void,
  ) {}

  /** Resolves at its end, with the pause that ended it, if any. */
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
