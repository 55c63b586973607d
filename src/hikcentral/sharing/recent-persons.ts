import type { Person } from "../../people/types.ts";

/** As this daemon read or wrote it. Without what an update would have to send back: that is read again. */
export type RecentPerson = Omit<Person, "raw">;

const freshMs = 60_000;
const maxPersons = 10_000;

/**
 * The persons that this daemon read or wrote within the last minute, so that the next stage need not ask HikCentral
 * again. Bounded; a write whose outcome is unknown, or that HikCentral refuses, makes it forget the person.
 */
export class RecentPersons {
  /** By personCode, the oldest first. */
  readonly #byCode = new Map<string, { person: RecentPerson; at: number }>();
  readonly #codeOf = new Map<string, string>();

  constructor(readonly now: () => number) {}

  get(personCode: string): RecentPerson | undefined {
    const known = this.#byCode.get(keyOf(personCode));
    return known && this.now() - known.at < freshMs ? known.person : undefined;
  }

  note(personCode: string, person: RecentPerson): void {
    const { raw: _, ...kept } = person as RecentPerson & Partial<Person>;
    const key = keyOf(personCode);
    this.#forget(key);
    this.#byCode.set(key, { person: kept, at: this.now() });
    this.#codeOf.set(person.personId, key);
    const [oldest] = this.#byCode.keys();
    if (this.#byCode.size > maxPersons && oldest !== undefined) this.#forget(oldest);
  }

  forget(personCode: string): void {
    this.#forget(keyOf(personCode));
  }

  /** What a write of this daemon changes. The person is forgotten while it is under way, and where it fails. */
  async writing<T>(personId: string, changes: Partial<RecentPerson>, write: () => Promise<T>): Promise<T> {
    const key = this.#codeOf.get(personId) ?? "";
    const known = this.get(key);
    this.#forget(key);
    const result = await write();
    // n.b. Whoever read it meanwhile may have read it before the write.
    this.#forget(key);
    if (known) this.note(key, { ...known, ...changes });
    return result;
  }

  #forget(key: string): void {
    const known = this.#byCode.get(key);
    if (known) this.#codeOf.delete(known.person.personId);
    this.#byCode.delete(key);
  }
}

const keyOf = (personCode: string) => personCode.trim().toLowerCase();
