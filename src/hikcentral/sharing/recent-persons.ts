import type { Person } from "../../people/types.ts";
import { type ListedPerson, ListedPersons } from "./listed-persons.ts";

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
}

/**
 * The persons that this daemon read or wrote within the last minute, or that a list of that age shows, so that the next
 * stage need not ask HikCentral again. Bounded; a write whose outcome is unknown, or that HikCentral refuses, makes it
 * forget the person.
 */
export class RecentPersons {
  /** By personCode, the oldest first. */
  readonly #byCode = new Map<string, Known>();
  readonly #codeOf = new Map<string, string>();
  /** By personId, when our last write ended: a list that was asked for before may show the person as it was. */
  readonly #writtenAt = new Map<string, number>();
  /** The newest first. */
  #lists: readonly ListedPersons[] = [];

  constructor(readonly now: () => number) {}

  get(personCode: string): RecentPerson | undefined {
    const known = this.#fresh(personCode);
    return known && personOf(known);
  }

  /** Also out of a list: good for finding that nothing needs doing, and for nothing else. */
  glance(personCode: string, sinceMs = 0): RecentPerson | undefined {
    const known = this.#fresh(personCode);
    if (known && known.at >= sinceMs) return personOf(known);
    const listed = this.#listed(keyOf(personCode));
    const at = Math.max(sinceMs, known?.at ?? 0);
    return listed && listed.at >= at && this.#isNow(listed) ? listed.person : undefined;
  }

  /** Also where it was too long ago. */
  has(personCode: string): boolean {
    const key = keyOf(personCode);
    return this.#byCode.has(key) || this.#lists.some((list) => list.has(key));
  }

  note(personCode: string, person: RecentPerson): void {
    const { raw: _, ...kept } = person as RecentPerson & Partial<Person>;
    const { personId } = person;
    const key = keyOf(personCode);
    this.#forgetOwn(key);
    this.#byCode.set(key, { at: this.now(), personId, person: JSON.stringify(kept) });
    this.#codeOf.set(personId, key);
    for (const [oldest, { at }] of this.#byCode) {
      if (!this.#isSpare(this.#byCode, at)) break;
      this.#forgetOwn(oldest);
    }
  }

  /** The pages that follow are of one list. */
  beginList(): void {
    const now = this.now();
    this.#lists = [new ListedPersons(now), ...this.#lists.filter(({ begunAt }) => now - begunAt < freshMs)];
  }

  /** `askedAt` is when the page was asked for. */
  noteListed(page: readonly Person[], askedAt: number): void {
    const kept = page.map(({ raw: _, ...person }) => [keyOf(person.personCode), person] as const);
    this.#lists[0]?.add(kept, askedAt);
  }

  forget(personCode: string): void {
    const key = keyOf(personCode);
    this.#forgetOwn(key);
    for (const list of this.#lists) list.forget(key);
  }

  /** Gives the memory back that old ones take. */
  forgetOld(): void {
    for (const [key, { at }] of this.#byCode) if (this.now() - at >= freshMs) this.#forgetOwn(key);
    for (const [id, at] of this.#writtenAt) if (this.now() - at >= freshMs) this.#writtenAt.delete(id);
    this.#lists = this.#lists.filter(({ begunAt }) => this.now() - begunAt < freshMs);
  }

  /** What a write of this daemon changes. The person is forgotten while it is under way, and where it fails. */
  async writing<T>(personId: string, changes: Partial<RecentPerson>, write: () => Promise<T>): Promise<T> {
    const key = this.#codeOf.get(personId) ?? "";
    const known = this.get(key);
    this.#forgetOwn(key);
    this.#noteWrite(personId, Number.POSITIVE_INFINITY);
    try {
      const result = await write();
      // n.b. Whoever read it meanwhile may have read it before the write.
      this.#forgetOwn(this.#codeOf.get(personId) ?? key);
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

  /** As the newest list that shows the person does. */
  #listed(key: string): ListedPerson | undefined {
    return this.#lists.find((list) => list.has(key))?.get(key);
  }

  /** A list that was asked for before our last write shows the person as it was. */
  #isNow({ person, at }: ListedPerson): boolean {
    return this.now() - at < freshMs && at > (this.#writtenAt.get(person.personId) ?? Number.NEGATIVE_INFINITY);
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

  #forgetOwn(key: string): void {
    const known = this.#byCode.get(key);
    if (known) this.#codeOf.delete(known.personId);
    this.#byCode.delete(key);
  }
}

const personOf = ({ person }: Known) => JSON.parse(person) as RecentPerson;
const keyOf = (personCode: string) => personCode.trim().toLowerCase();
