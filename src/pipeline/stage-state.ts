import type { Pause } from "./consume-session.ts";

/**
 * How a stage is. `starting`: it has no consumer yet, or lost it. `consuming`: it takes work, or waits for some.
 * `canary`: one message at a time is tried, to find out whether a pause is over. `paused by a fault`: an upstream is
 * down or refuses us. `paused by an operator`: until `resume`. `stopping`: what is in progress is finished.
 */
export type StageWord =
  | "starting"
  | "consuming"
  | "canary"
  | "paused by a fault"
  | "paused by an operator"
  | "stopping";

/** What may follow what. */
export const legalMoves: Readonly<Record<StageWord, readonly StageWord[]>> = {
  starting: ["consuming", "canary", "paused by a fault", "paused by an operator", "stopping"],
  consuming: ["starting", "paused by a fault", "paused by an operator", "stopping"],
  canary: ["starting", "consuming", "paused by a fault", "paused by an operator", "stopping"],
  "paused by a fault": ["starting", "canary", "consuming", "paused by an operator", "stopping"],
  "paused by an operator": ["starting", "consuming", "canary", "paused by a fault", "stopping"],
  stopping: [],
};

/**
 * The one word that says how a stage is, since when, and in a pause why. The stall detector, readiness, `status` and the
 * watchdog read it and nothing else.
 */
export class StageState {
  #word: StageWord = "starting";
  #since: Date;
  #pause: Pause | undefined;

  constructor(
    readonly stage: string,
    readonly now: () => Date,
  ) {
    this.#since = now();
  }

  get word(): StageWord {
    return this.#word;
  }

  get since(): Date {
    return this.#since;
  }

  /** Why it is paused, and through the canary until the pause is over. */
  get pause(): Pause | undefined {
    return this.#pause;
  }

  /** Whether it works, or would but for a pause: its queue is there and this daemon may take from it. */
  get hasStarted(): boolean {
    return this.#word !== "starting" && this.#word !== "stopping";
  }

  /** Whether messages are expected to be taken and finished. */
  get isWorking(): boolean {
    return this.#word === "consuming";
  }

  /** Throws where the table does not allow it. To stay is no move; only the reason of a pause may change. */
  move(to: StageWord, pause?: Pause, since?: Date): void {
    if (to !== this.#word && !legalMoves[this.#word].includes(to))
      throw new Error(`stage ${this.stage} cannot go from ${this.#word} to ${to}`);
    const isSamePause = to === "canary" || (pause !== undefined && this.#pause?.code === pause.code);
    if (!isSamePause && (to !== this.#word || pause !== this.#pause)) this.#since = since ?? this.now();
    if (to !== "canary") this.#pause = pause;
    this.#word = to;
  }
}
