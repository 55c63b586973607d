import { setTimeout as sleep } from "node:timers/promises";

export interface Finding {
  /** What it is about: "this machine", "the daemon", "Eposh", "HikCentral" or "the broker". */
  system: string;
  probe: string;
  /**
   * `unchecked`: reading is not permitted; `skipped`: an earlier probe failed; `waiting`: not answered yet. None of them is
   * a fault.
   */
  state: "ok" | "failed" | "unchecked" | "skipped" | "waiting";
  /** Stable and in snake_case; of a fault only. */
  code?: string;
  text: string;
  /** What to do about a fault. */
  fix?: string;
  ms: number;
}

/** The probes of one system, as they go on. */
export interface Examination {
  readonly system: string;
  /** Where it is. */
  readonly at: string;
  readonly isDone: boolean;
  /** In the order in which the probes began. */
  readonly soFar: readonly Finding[];
  /** Resolves to the same once all probes are over. */
  readonly findings: Promise<readonly Finding[]>;
}

export interface Examined extends Pick<Examination, "system" | "at" | "isDone"> {
  readonly findings: readonly Finding[];
}

/** Nobody waits longer for what is known. */
const answerMs = 1_500;

/** What doctor finds from within the daemon. One examination at a time: all who ask meanwhile hear of the same one. */
export class SharedExamination {
  /** How to begin one, with the present configuration. */
  examine: () => Promise<readonly Examination[]> = async () => [];
  /** When the last one began. */
  at: Date | undefined;
  #systems: readonly Examination[] = [];
  #beginning: Promise<void> | undefined;

  constructor(readonly now: () => Date) {}

  get isRunning(): boolean {
    return this.#systems.some(({ isDone }) => !isDone);
  }

  /** As it is now. */
  get found(): Examined[] {
    return this.#systems.map(({ system, at, isDone, soFar }) => ({ system, at, isDone, findings: [...soFar] }));
  }

  /** Joins the one that is running. */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  async #begin(): Promise<void> {
    if (this.isRunning) return;
    this.#systems = await this.examine();
    // A reload ends it, maybe with nobody waiting for an answer.
    for (const { findings } of this.#systems) findings.catch(() => {});
    this.at = this.now();
  }

  /** Soon, whatever a system does: what is not answered by then is named as waiting. */
  async answer(): Promise<Examined[]> {
    const whole = Promise.allSettled(this.#systems.map(({ findings }) => findings));
    await Promise.race([whole, sleep(answerMs, undefined, { ref: false })]);
    return this.found;
  }
}
