/** What becomes of a message whose failure may mean this message or the upstream. */
export type Verdict =
  /** It means the upstream: the stage pauses. */
  | "pause"
  /** It means this message: a counted retry. */
  | "charge"
  /** Nobody knows yet: later, uncounted. */
  | "wait";

export interface Doubt {
  readonly verdict: Verdict;
  /** How often the message failed so before. */
  readonly tries: number;
}

/** So many different messages without one that passes are no chance. */
const doubtfulToPause = 5;
/** A single message that fails while nobody else is there to compare with. */
const triesAlone = 3;
const maxRemembered = 1000;

/**
 * HikCentral answers "service exception" or "not supported" for one person, or for everybody. Whether others pass tells
 * which; until then the message waits, uncounted, and never at the head of the queue.
 */
export class Doubts {
  readonly #messages = new Map<string, { tries: number; passedBefore: number }>();
  /** Different messages that failed so since the last one passed. */
  readonly #inARow = new Set<string>();
  #passed = 0;

  passed(id: string): void {
    this.#passed++;
    this.#inARow.clear();
    this.#messages.delete(id);
  }

  judge(id: string): Doubt {
    const { tries, passedBefore } = this.#messages.get(id) ?? { tries: 0, passedBefore: this.#passed };
    this.#messages.delete(id);
    this.#messages.set(id, { tries: tries + 1, passedBefore });
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > maxRemembered && oldest !== undefined) this.#messages.delete(oldest);
    if (this.#passed > passedBefore) return { verdict: "charge", tries };
    this.#inARow.add(id);
    if (this.#inARow.size >= doubtfulToPause) return { verdict: "pause", tries };
    const isAlone = this.#inARow.size === 1 && tries >= triesAlone && this.#passed > 0;
    return { verdict: isAlone ? "charge" : "wait", tries };
  }
}
