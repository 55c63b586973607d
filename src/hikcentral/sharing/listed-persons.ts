import { hashOf, type PackedPerson, PackedPersons } from "./packed-persons.ts";

/** Of those beyond them it is only known that the list shows them. */
const maxKept = 30_000;

/** The persons of one list of HikCentral, by the key of their personCode. There may be hundreds of thousands. */
export class ListedPersons {
  /** Of all keys, in the order of the list; a map of so many would take ten times the memory. */
  #hashes = new Uint32Array(512);
  #size = 0;
  /** Each at the place of its hash. Two keys may have the same hash: who is found is compared. */
  #kept = new PackedPersons();
  readonly #forgotten = new Set<string>();

  constructor(readonly begunAt: number) {}

  add(listed: PackedPerson): void {
    if (this.#size === this.#hashes.length) {
      const larger = new Uint32Array(2 * this.#size);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#size++] = hashOf(listed.key);
    if (this.#size <= maxKept) this.#kept.add(listed);
  }

  /** Also true of very few others, and of those who were forgotten. */
  has(key: string): boolean {
    return this.#placeOf(key) >= 0;
  }

  get(key: string): PackedPerson | undefined {
    const found = this.#forgotten.has(key) ? undefined : this.#kept.get(this.#placeOf(key));
    return found?.key === key ? found : undefined;
  }

  forget(key: string): void {
    if (this.has(key)) this.#forgotten.add(key);
  }

  /** A newer list shows them: of this one only `has` is still asked. */
  forgetAll(): void {
    this.#kept = new PackedPersons();
  }

  /** The last one: on a list that shifts while it is read somebody may stand twice. n.b. 30 µs among 100,000. */
  #placeOf(key: string): number {
    return this.#hashes.lastIndexOf(hashOf(key), this.#size - 1);
  }
}
