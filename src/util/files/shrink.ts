import type { Database } from "bun:sqlite";

/** A large file is not put in order at once: it takes seconds, and room for all that is in it. */
const maxVacuumBytes = 64 * 1024 * 1024;
const incremental = 2;
const shrinkEveryMs = 1_000;

/**
 * To be called before a new file has a table; whether it is one. It gets its write-ahead log here, without waiting for the
 * disk (8 times otherwise): it is on the disk once that log is copied into it. n.b. In any other file SQLite would write the
 * setting at each start.
 */
export function letNewShrink(database: Database): boolean {
  const isNew = numberOf(database, "PRAGMA page_count") === 0;
  if (isNew) database.run(`PRAGMA synchronous = OFF; PRAGMA auto_vacuum = ${incremental}; PRAGMA journal_mode = WAL`);
  return isNew;
}

/** A file of a version before `giveBack`: only a VACUUM lets it shrink. */
export function letShrink(database: Database, isPassing: (error: unknown) => boolean): void {
  const pages = numberOf(database, "PRAGMA page_count") - numberOf(database, "PRAGMA freelist_count");
  const bytes = pages * numberOf(database, "PRAGMA page_size");
  if (numberOf(database, "PRAGMA auto_vacuum") === incremental || bytes > maxVacuumBytes) return;
  try {
    database.run(`PRAGMA auto_vacuum = ${incremental}; VACUUM`);
  } catch (error) {
    if (!isPassing(error)) throw error;
  }
}

/** Returns so many unused pages to the file system, if there are as many beyond that share of all. */
export function giveBack(database: Database, pages: number, keptShare = 0): boolean {
  const kept = keptShare * numberOf(database, "PRAGMA page_count");
  const isMuch = numberOf(database, "PRAGMA freelist_count") >= kept + pages;
  if (isMuch) database.run(`PRAGMA incremental_vacuum(${pages})`);
  return isMuch;
}

/** Gives back every second, until there is nothing more: an idle daemon needs no timer for it. */
export class Shrinking implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly database: Database,
    readonly pages: number,
    readonly isPassing: (error: unknown) => boolean,
  ) {
    this.start();
  }

  /** To be called when pages became unused. */
  start(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#giveBack()) this.start();
    }, shrinkEveryMs).unref();
  }

  /** Whether there may be more. */
  #giveBack(): boolean {
    try {
      return giveBack(this.database, this.pages);
    } catch (error) {
      if (!this.isPassing(error)) throw error;
      return true;
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

export const numberOf = (database: Database, query: string) => Number(database.query(query).values()[0]?.[0]);
