import { HashTable, type HashTableOptions } from "./hash-table.ts";

/**
 * 53 bits, so that of a million texts no two share one. Never 0. n.b. Two seeds of one function are not enough: numbers of
 * 8 to 12 digits that share the one share the other.
 */
export const hashOf = (text: string): number =>
  Bun.hash.xxHash32(text) * 2 ** 21 + (Bun.hash.murmur32v3(text) >>> 11) || 1;

/** A set of hundreds of thousands of texts, as their hashes: a tenth of what the texts take. */
export class Hashes {
  readonly #table: HashTable;

  constructor(options: Omit<HashTableOptions, "hasValues"> = {}) {
    this.#table = new HashTable({ ...options, hasValues: false });
  }

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
