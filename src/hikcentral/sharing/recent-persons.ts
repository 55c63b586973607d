import type { Person } from "../../people/types.ts";

/** As this daemon read or wrote it. Without what an update would have to send back: that is read again. */
export type RecentPerson = Omit<Person, "raw">;

/** `person` is undefined where HikCentral's list of persons does not show one. */
export interface Glance {
  readonly person: RecentPerson | undefined;
}

export const freshMs = 60_000;
export const maxPersons = 30_000;

interface Known {
  readonly personId: string;
  /** As JSON: as an object each of many thousands would take three times the memory. */
  readonly person: string;
  readonly at: number;
  /** It stood in a list of many, and was not asked for by itself. */
  readonly isListed: boolean;
}

/**
 * The persons that this daemon read or wrote within the last minute, so that the next stage need not ask HikCentral
 * again. Bounded; a write whose outcome is unknown, or that HikCentral refuses, makes it forget the person.
 */
export class RecentPersons {
  /** By personCode, the oldest first. */
  readonly #byCode = new Map<string, Known>();
  readonly #codeOf = new Map<string, string>();
  /** By personId, when our last write ended: a list that was asked for before may show the person as it was. */
  readonly #writtenAt = new Map<string, number>();

  constructor(readonly now: () => number) {}

  get(personCode: string): RecentPerson | undefined {
    const known = this.#fresh(personCode);
    return known && !known.isListed ? personOf(known) : undefined;
  }

  /** Also out of a list: good for finding that nothing needs doing, and for nothing else. */
  glance(personCode: string, sinceMs = 0): RecentPerson | undefined {
    const known = this.#fresh(personCode);
    return known && known.at >= sinceMs ? personOf(known) : undefined;
  }

  /** Also where it was too long ago. */
  has(personCode: string): boolean {
    return this.#byCode.has(keyOf(personCode));
  }

  note(personCode: string, person: RecentPerson): void {
    this.#note(personCode, person, { at: this.now(), isListed: false });
  }

  /** `askedAt` is when the list was asked for: what is known since then stays. */
  noteListed(person: Person, askedAt: number): void {
    const known = this.#byCode.get(keyOf(person.personCode));
    const knownAt = Math.max(known?.at ?? -1, this.#writtenAt.get(person.personId) ?? -1);
    if (knownAt >= askedAt || this.get(person.personCode)) return;
    this.#note(person.personCode, person, { at: askedAt, isListed: true });
  }

  forget(personCode: string): void {
    this.#forget(keyOf(personCode));
  }

  /** Gives the memory back that old ones take. */
  forgetOld(): void {
    for (const [key, { at }] of this.#byCode) if (this.now() - at >= freshMs) this.#forget(key);
    for (const [id, at] of this.#writtenAt) if (this.now() - at >= freshMs) this.#writtenAt.delete(id);
  }

  /** What a write of this daemon changes. The person is forgotten while it is under way, and where it fails. */
  async writing<T>(personId: string, changes: Partial<RecentPerson>, write: () => Promise<T>): Promise<T> {
    const key = this.#codeOf.get(personId) ?? "";
    const known = this.get(key);
    this.#forget(key);
    this.#noteWrite(personId, Number.POSITIVE_INFINITY);
    try {
      const result = await write();
      // n.b. Whoever read it meanwhile may have read it before the write.
      this.#forget(this.#codeOf.get(personId) ?? key);
      if (known) this.note(key, { ...known, ...changes });
      return result;
    } finally {
      this.#noteWrite(personId, this.now());
    }
  }

  #fresh(personCode: string): Known | undefined {
    const known = this.#byCode.get(keyOf(personCode));
    return known && this.now() - known.at < freshMs ? known : undefined;
  }

  #note(personCode: string, person: RecentPerson, known: Pick<Known, "at" | "isListed">): void {
    const { raw: _, ...kept } = person as RecentPerson & Partial<Person>;
    const { personId } = person;
    const key = keyOf(personCode);
    this.#forget(key);
    this.#byCode.set(key, { ...known, personId, person: JSON.stringify(kept) });
    this.#codeOf.set(personId, key);
    for (const [oldest, { at }] of this.#byCode) {
      if (!this.#isSpare(this.#byCode, at)) break;
      this.#forget(oldest);
    }
  }

  #noteWrite(personId: string, at: number): void {
    this.#writtenAt.delete(personId);
    this.#writtenAt.set(personId, at);
    for (const [oldest, at] of this.#writtenAt) {
      if (!this.#isSpare(this.#writtenAt, at)) break;
      this.#writtenAt.delete(oldest);
    }
  }

  /** In the longest run there are those of one minute. */
  #isSpare(all: { readonly size: number }, at: number): boolean {
    return all.size > maxPersons || this.now() - at >= freshMs;
  }

  #forget(key: string): void {
    const known = this.#byCode.get(key);
    if (known) this.#codeOf.delete(known.personId);
    this.#byCode.delete(key);
  }
}

const personOf = ({ person }: Known) => JSON.parse(person) as RecentPerson;
const keyOf = (personCode: string) => personCode.trim().toLowerCase();
