import type { BriefPerson, ShownPerson } from "../../people/types.ts";
import { Hashes, hashOf } from "./hashes.ts";
import { type PackedPerson, PackedPersons } from "./packed-persons.ts";

/** Of those beyond them it is only known that the list shows them. */
const maxKept = 30_000;

export interface ListOptions {
  /** Of a brief one it is only known whom it shows. */
  readonly isBrief?: boolean;
  /** For so many its memory need not grow. */
  readonly room?: number;
}

/** The persons of one list of HikCentral, by the key of their personCode. There may be hundreds of thousands. */
export class ListedPersons {
  /** n.b. Of 32 bits: in 100,000 persons one stranger of 40,000 is taken for somebody, and only read singly. */
  readonly #keys: Hashes;
  #kept = new PackedPersons();
  /** Hashes of their keys, in the same order. */
  readonly #keptKeys: Float64Array;
  #size = 0;
  readonly #forgotten = new Set<string>();

  readonly isBrief: boolean;

  constructor(
    readonly begunAt: number,
    { isBrief = false, room = 0 }: ListOptions,
  ) {
    this.isBrief = isBrief;
    this.#keys = new Hashes({ isExact: false, room });
    this.#keptKeys = new Float64Array(isBrief ? 0 : maxKept);
  }

  /** Whether one more can be kept. */
  get hasRoom(): boolean {
    return this.#size < this.#keptKeys.length;
  }

  add(key: string, person: ShownPerson | BriefPerson, at: number): void {
    this.#keys.add(key);
    if (!this.hasRoom || !("customFields" in person)) return;
    this.#keptKeys[this.#size++] = hashOf(key);
    this.#kept.add({ key, person, at });
  }

  /** Also true of those who were forgotten. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** On a list that shifts while it is read somebody may stand twice: as the last page shows them that was kept. */
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

  #placeOf(key: string): number {
    return this.#size === 0 ? -1 : this.#keptKeys.lastIndexOf(hashOf(key), this.#size - 1);
  }
}
