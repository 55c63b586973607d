import { HashTable } from "./hash-table.ts";

/** 53 bits, so that of a million texts no two share one. Never 0. */
export const hashOf = (text: string): number =>
  Bun.hash.xxHash32(text) * 2 ** 21 + (Bun.hash.xxHash32(text, 1) >>> 11) || 1;

/** A set of hundreds of thousands of texts, as their hashes: a tenth of what the texts take. */
export class Hashes {
  readonly #table = new HashTable({ hasValues: false });

  get size(): number {
    return this.#table.size;
  }

  add(text: string): void {
    this.#table.set(hashOf(text));
  }

  has(text: string): boolean {
    return this.#table.has(hashOf(text));
  }

  delete(text: string): void {
    this.#table.delete(hashOf(text));
  }
}
