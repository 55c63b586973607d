import type { FailureCode } from "../../errors/codes.ts";

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

interface Remembered {
  tries: number;
  /** Others passed after it had failed, at a time when the upstream served them. */
  isBlamed: boolean;
}

/**
 * HikCentral answers "service exception" or "not supported" for one person, or for everybody. Whether others pass tells
 * which; until then the message waits, uncounted, and never at the head of the queue. One for each stage: HikCentral may
 * refuse one kind of call and serve the others. But where many messages of all stages together fail with one code, none
 * of them is to blame: a stage with few messages sees an outage that others see better.
 */
export class Doubts {
  readonly #messages = new Map<string, Remembered>();
  /** Different messages that failed so since the last one passed, with their codes. */
  readonly #inARow = new Map<string, FailureCode>();
  #passed = 0;
  #isOutage = false;

  /** `all`: those of the pipeline's stages; this one is added to them. */
  constructor(readonly all: Set<Doubts> = new Set()) {
    all.add(this);
  }

  /** Whether the last failures meant the upstream, and none has passed since. */
  get isOutage(): boolean {
    return this.#isOutage;
  }

  passed(id: string): void {
    for (const failed of this.#inARow.keys()) {
      const remembered = this.#messages.get(failed);
      if (this.#isOutage) this.#messages.delete(failed);
      else if (remembered) remembered.isBlamed = true;
    }
    this.#passed++;
    this.#inARow.clear();
    this.#isOutage = false;
    this.#messages.delete(id);
  }

  judge(id: string, code: FailureCode): Doubt {
    const { tries, isBlamed } = this.#messages.get(id) ?? { tries: 0, isBlamed: false };
    this.#messages.delete(id);
    this.#messages.set(id, { tries: tries + 1, isBlamed });
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > maxRemembered && oldest !== undefined) this.#messages.delete(oldest);
    const failing = [...this.all].flatMap((doubts) => doubts.#failing(code));
    if (isBlamed && failing.length < doubtfulToPause) return { verdict: "charge", tries };
    this.#inARow.set(id, code);
    if (new Set([...failing, id]).size >= doubtfulToPause) for (const doubts of this.all) doubts.#exonerate(code);
    if (this.#inARow.size >= doubtfulToPause) return { verdict: "pause", tries };
    const isAlone = this.#inARow.size === 1 && failing.every((other) => other === id);
    return { verdict: isAlone && tries >= triesAlone && this.#passed > 0 ? "charge" : "wait", tries };
  }

  #failing(code: FailureCode): string[] {
    return [...this.#inARow].flatMap(([id, failed]) => (failed === code ? [id] : []));
  }

  #exonerate(code: FailureCode): void {
    this.#isOutage ||= this.#failing(code).length > 0;
  }
}
