const free = 0;
const deleted = -1;

/**
 * Numbers above 0 → numbers, in 20 to 40 bytes each, or a set of them in half as much. n.b. A Map takes three times as
 * much, in one piece that doubles.
 */
export class HashTable {
  /** Each at the place that it says itself, or at the next free one. */
  #keys = new Float64Array(64);
  #values: Float64Array;
  /** With those that were deleted. */
  #used = 0;
  #size = 0;

  constructor({ hasValues = true } = {}) {
    this.#values = new Float64Array(hasValues ? this.#keys.length : 0);
  }

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#keys[this.#placeOf(key)] === key;
  }

  get(key: number): number | undefined {
    const place = this.#placeOf(key);
    return this.#keys[place] === key ? this.#values[place] : undefined;
  }

  set(key: number, value = 0): void {
    if (this.#used >= 0.8 * this.#keys.length) this.#rehash();
    const place = this.#placeOf(key);
    if (this.#keys[place] === free) {
      this.#keys[place] = key;
      this.#used++;
      this.#size++;
    }
    this.#values[place] = value;
  }

  delete(key: number): void {
    const place = this.#placeOf(key);
    if (this.#keys[place] !== key) return;
    this.#keys[place] = deleted;
    this.#size--;
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
    this.#keys = new Float64Array(growth * keys.length);
    this.#values = new Float64Array(growth * values.length);
    this.#used = 0;
    this.#size = 0;
    // n.b. Its entries() would make three objects for each of a hundred thousand.
    for (let place = 0; place < keys.length; place++) {
      const key = keys[place] ?? free;
      if (key !== free && key !== deleted) this.set(key, values[place]);
    }
  }
}
