import { close, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";

/** Resolves once the disk has the whole file. */
export type Sync = (file: number) => Promise<void>;

/**
 * Brings SQLite's log to the disk, as each commit does with `synchronous = FULL`, but while the event loop goes on: the
 * disk takes some milliseconds. What is committed meanwhile shares the next time.
 */
export class LogSync implements AsyncDisposable {
  readonly #log: number;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** Of an open database, which keeps the same log until it is closed. */
  constructor(
    path: string,
    readonly sync: Sync = promisify(fdatasync),
  ) {
    this.#log = openSync(path, "r");
  }

  /** Resolves once everything that is committed now survives a power cut. */
  synced(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#next ?? this.#running).catch(() => {});
    await promisify(close)(this.#log);
  }

  async #begin(): Promise<void> {
    // A failure is told to those who waited for it.
    await this.#running.catch(() => {});
    if (this.#next) this.#running = this.#next;
    this.#next = undefined;
    await this.sync(this.#log);
  }
}
