import type { Pause } from "./consume-session.ts";

/**
 * The states of a stage. `starting`: it has no consumer yet, or lost it. `consuming`: it takes messages, or waits for
 * some. `canary`: it tries messages to find out whether a pause is over. `paused by a fault`: an upstream is down or
 * rejects us, or 20 messages failed alike. `paused by an operator`: until `resume`. `stopping`: it finishes its work.
 */
export type StageWord =
  | "starting"
  | "consuming"
  | "canary"
  | "paused by a fault"
  | "paused by an operator"
  | "stopping";

/** The legal moves. */
export const legalMoves: Readonly<Record<StageWord, readonly StageWord[]>> = {
  starting: ["consuming", "canary", "paused by a fault", "paused by an operator", "stopping"],
  consuming: ["starting", "paused by a fault", "paused by an operator", "stopping"],
  canary: ["starting", "consuming", "paused by a fault", "paused by an operator", "stopping"],
  "paused by a fault": ["starting", "canary", "consuming", "paused by an operator", "stopping"],
  "paused by an operator": ["starting", "consuming", "canary", "paused by a fault", "stopping"],
  stopping: [],
};

/**
 * The state of a stage in one word, with the time since then and the reason of a pause. The stall detector, readiness,
 * `status` and the watchdog read it and nothing else.
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

  /** The reason of the pause, also during the canary, until the pause is over. */
  get pause(): Pause | undefined {
    return this.#pause;
  }

  /** Whether it works, or would without a pause: its queue exists and this daemon may consume it. */
  get hasStarted(): boolean {
    return this.#word !== "starting" && this.#word !== "stopping";
  }

  /** Whether messages are expected to be taken and finished. */
  get isWorking(): boolean {
    return this.#word === "consuming";
  }

  /** Throws if the table does not allow the move. Staying is always allowed; the reason of a pause may change. */
  move(to: StageWord, pause?: Pause, since?: Date): void {
    if (to !== this.#word && !legalMoves[this.#word].includes(to))
      throw new Error(`stage ${this.stage} cannot go from ${this.#word} to ${to}`);
    const isSamePause = to === "canary" || (pause !== undefined && this.#pause?.code === pause.code);
    if (!isSamePause && (to !== this.#word || pause !== this.#pause)) this.#since = since ?? this.now();
    if (to !== "canary") this.#pause = pause;
    this.#word = to;
  }
}
