import { Hashes } from "./hashes.ts";
import { type PackedPerson, PackedPersons } from "./packed-persons.ts";

/** Of those beyond them it is only known that the list shows them. */
const maxKept = 30_000;

/** The persons of one list of HikCentral, by the key of their personCode. There may be hundreds of thousands. */
export class ListedPersons {
  readonly #keys = new Hashes();
  /** Each at the place of its key. */
  #kept = new PackedPersons();
  #size = 0;
  readonly #forgotten = new Set<string>();

  constructor(readonly begunAt: number) {}

  add(listed: PackedPerson): void {
    this.#keys.add(listed.key);
    if (this.#size++ < maxKept) this.#kept.add(listed);
  }

  /** Also true of those who were forgotten. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** On a list that shifts while it is read somebody may stand twice: as the last page shows them. */
  get(key: string): PackedPerson | undefined {
    const found = this.#forgotten.has(key) ? undefined : this.#kept.get(this.#keys.placeOf(key));
    return found?.key === key ? found : undefined;
  }

  forget(key: string): void {
    if (this.has(key)) this.#forgotten.add(key);
  }

  /** A newer list shows them: of this one only `has` is still asked. */
  forgetAll(): void {
    this.#kept = new PackedPersons();
  }
}
