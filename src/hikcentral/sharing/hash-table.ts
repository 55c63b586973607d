const free = 0;
const deleted = -1;
const maxLoad = 0.8;

export interface HashTableOptions {
  /** Otherwise it is a set. */
  readonly hasValues?: boolean;
  /** Otherwise of each hash only 32 bits are kept, and nothing can be deleted. */
  readonly isExact?: boolean;
  /** For so many it need not grow. */
  readonly room?: number;
}

/**
 * Hashes of 53 bits, above 0 → numbers, in 20 to 40 bytes each, or a set of them in half as much. n.b. A Map takes three
 * times as much, in one piece that doubles.
 */
export class HashTable {
  /** Each at the place that it says itself, or at the next free one. */
  #keys: Float64Array | Uint32Array;
  #values: Float64Array;
  /** With those that were deleted. */
  #used = 0;
  #size = 0;

  constructor({ hasValues = true, isExact = true, room = 0 }: HashTableOptions = {}) {
    let places = 64;
    while (maxLoad * places <= room) places *= 2;
    this.#keys = isExact ? new Float64Array(places) : new Uint32Array(places);
    this.#values = new Float64Array(hasValues ? places : 0);
  }

  get size(): number {
    return this.#size;
  }

  has(hash: number): boolean {
    const key = this.#keyOf(hash);
    return this.#keys[this.#placeOf(key)] === key;
  }

  get(hash: number): number | undefined {
    const key = this.#keyOf(hash);
    const place = this.#placeOf(key);
    return this.#keys[place] === key ? this.#values[place] : undefined;
  }

  set(hash: number, value = 0): void {
    this.#put(this.#keyOf(hash), value);
  }

  #put(key: number, value = 0): void {
    if (this.#used >= maxLoad * this.#keys.length) this.#rehash();
    const place = this.#placeOf(key);
    if (this.#keys[place] === free) {
      this.#keys[place] = key;
      this.#used++;
      this.#size++;
    }
    this.#values[place] = value;
  }

  delete(hash: number): void {
    const key = this.#keyOf(hash);
    const place = this.#placeOf(key);
    if (this.#keys[place] !== key) return;
    this.#keys[place] = deleted;
    this.#size--;
  }

  #keyOf(hash: number): number {
    return this.#keys instanceof Float64Array ? hash : Math.floor(hash / 2 ** 21) || 1;
  }

  /** Where the key is, or else a free place. */
  #placeOf(key: number): number {
    const keys = this.#keys;
    let place = key % keys.length;
    while (keys[place] !== key && keys[place] !== free) place = (place + 1) % keys.length;
    return place;
  }

  /** Into twice the places, unless many were deleted. */
  #rehash(): void {
    const [keys, values] = [this.#keys, this.#values];
    const growth = this.#size > keys.length / 2 ? 2 : 1;
    this.#keys =
      keys instanceof Float64Array ? new Float64Array(growth * keys.length) : new Uint32Array(growth * keys.length);
    this.#values = new Float64Array(growth * values.length);
    this.#used = 0;
    this.#size = 0;
    // n.b. Its entries() would make three objects for each of a hundred thousand.
    for (let place = 0; place < keys.length; place++) {
      const key = keys[place] ?? free;
      if (key !== free && key !== deleted) this.#put(key, values[place]);
    }
  }
}
