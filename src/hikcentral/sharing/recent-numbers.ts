import { HashTable } from "./hash-table.ts";
import { hashOf } from "./hashes.ts";

/** How long a person, a list or a membership is believed. */
export const freshMs = 60_000;
const generations = 3;
const maxOfGeneration = 10_000;

/** Texts → numbers, by the hashes of the texts: each is kept for `keptMs` to one and a half times that. */
export class RecentNumbers {
  /** The newest first. */
  #tables = [new HashTable()];
  #begunAt: number;

  constructor(
    readonly now: () => number,
    readonly keptMs = freshMs,
  ) {
    this.#begunAt = now();
  }

  get(text: string): number | undefined {
    const hash = hashOf(text);
    return this.#tables.find((table) => table.has(hash))?.get(hash);
  }

  set(text: string, value: number): void {
    this.forgetOld();
    if ((this.#tables[0]?.size ?? 0) >= maxOfGeneration) this.#begin();
    this.#tables[0]?.set(hashOf(text), value);
  }

  delete(text: string): void {
    for (const table of this.#tables) table.delete(hashOf(text));
  }

  forgetOld(): void {
    const periodMs = this.keptMs / (generations - 1);
    const passed = Math.floor((this.now() - this.#begunAt) / periodMs);
    for (let times = 0; times < Math.min(passed, generations); times++) this.#begin();
    // n.b. Also after a clock that was set back.
    this.#begunAt += passed * periodMs;
  }

  #begin(): void {
    this.#tables = [new HashTable(), ...this.#tables.slice(0, generations - 1)];
  }
}
