import type { Database } from "bun:sqlite";
import { textOf } from "../errors.ts";
import { isPassing } from "./schema.ts";

type Write = () => void;

const maxUnwritten = 10_000;
const tryAgainMs = 1_000;

interface WritesOptions {
  say: (text: string) => void;
  /** What it writes is part of the commit. */
  beforeCommit: () => void;
  /** Also after a failure. */
  afterCommit: () => void;
  /** What follows from the writes before it. */
  finish: () => void;
  /** What is in memory of a transaction that failed. */
  forget: () => void;
}

/**
 * The writes of one turn of the event loop share a commit, which costs as much as all of them. What fails for now, e.g. on
 * a full disk, is written later, within bounds.
 */
export class Writes implements Disposable {
  /** Of the transaction that is open. */
  #joined: Write[] = [];
  #unwritten: Write[] = [];
  #isScheduled = false;
  #isJoining = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  #isFailing = false;

  constructor(
    readonly db: Database,
    readonly options: WritesOptions,
  ) {}

  /** A commit at the end of this turn. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.commit());
  }

  /** Seen by whoever reads from now on, and committed at the end of this turn. */
  join(writes: readonly Write[]): void {
    // A write of a write fails with it, and is done again with it.
    if (this.#isJoining) {
      for (const one of writes) one();
      return;
    }
    const all = [...this.#unwritten, ...writes];
    this.#unwritten = [];
    if (all.length === 0) return;
    this.attempt(
      () => {
        if (!this.db.inTransaction) this.db.query("begin").run();
        this.#run(all);
        this.#joined.push(...all);
        this.schedule();
      },
      (error) => this.#undo(isPassing(error) ? all : []),
    );
  }

  #run(all: readonly Write[]): void {
    this.#isJoining = true;
    try {
      for (const one of all) one();
      this.options.finish();
    } finally {
      this.#isJoining = false;
    }
  }

  commit(): void {
    this.options.beforeCommit();
    if (this.#joined.length > 0)
      this.attempt(
        () => {
          this.db.query("commit").run();
          this.#joined = [];
        },
        (error) => {
          if (!isPassing(error)) this.#joined = [];
          this.#undo([]);
        },
      );
    this.#isScheduled = false;
    this.options.afterCommit();
  }

  /** Undefined where the ledger cannot be used; that is said once. */
  attempt<T>(work: () => T, onFailure: (error: unknown) => void = () => {}): T | undefined {
    try {
      const done = work();
      this.#isFailing = false;
      return done;
    } catch (error) {
      if (!this.#isFailing)
        this.options.say(`ledger.db cannot be used; until it can, history may be lost: ${textOf(error)}`);
      this.#isFailing = true;
      onFailure(error);
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.commit();
    clearTimeout(this.#again);
  }

  /** What had joined is written again with these. n.b. After some errors SQLite has undone the transaction itself. */
  #undo(failed: readonly Write[]): void {
    if (this.db.inTransaction) this.db.run("rollback");
    this.options.forget();
    this.#unwritten = [...this.#joined, ...failed].slice(-maxUnwritten);
    this.#joined = [];
    if (this.#unwritten.length === 0) return;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.join([]), tryAgainMs);
  }
}
