import type { Person, ShownPerson } from "../../people/types.ts";
import { hashOf } from "./hashes.ts";
import { ListedPersons } from "./listed-persons.ts";
import { type PackedPerson, PackedPersons } from "./packed-persons.ts";

/** `person` is undefined where HikCentral's list of persons does not show one. */
export interface Glance {
  readonly person: ShownPerson | undefined;
}

export const freshMs = 60_000;
const maxPersons = 30_000;

interface Known {
  /** Hash of the personId. */
  readonly id: number;
  readonly place: number;
  readonly at: number;
}

/**
 * The persons that this daemon read or wrote within the last minute, or that a list of that age shows, so that the next
 * stage need not ask HikCentral again. Bounded; a write whose outcome is unknown, or that HikCentral refuses, makes it
 * forget the person.
 */
export class RecentPersons {
  readonly #own = new PackedPersons();
  /** By the hash of the key of their personCode, the oldest first. */
  readonly #byCode = new Map<number, Known>();
  /** Hash of the personId → that of the key of the personCode. */
  readonly #codeOf = new Map<number, number>();
  /** By the hash of the personId, when our last write ended: a list that was asked for before may show the person as it was. */
  readonly #writtenAt = new Map<number, number>();
  /** The newest first. */
  #lists: readonly ListedPersons[] = [];

  constructor(readonly now: () => number) {}

  get(personCode: string): ShownPerson | undefined {
    return this.#fresh(personCode)?.person;
  }

  /** Also out of a list: good for finding that nothing needs doing, and for nothing else. */
  glance(personCode: string, sinceMs = 0): ShownPerson | undefined {
    const known = this.#fresh(personCode);
    if (known && known.at >= sinceMs) return known.person;
    const listed = this.#listed(keyOf(personCode));
    const at = Math.max(sinceMs, known?.at ?? 0);
    return listed && listed.at >= at && this.#isNow(listed) ? listed.person : undefined;
  }

  /** Also where it was too long ago. */
  has(personCode: string): boolean {
    const key = keyOf(personCode);
    return this.#byCode.has(hashOf(key)) || this.#lists.some((list) => list.has(key));
  }

  note(personCode: string, person: ShownPerson): void {
    // n.b. Without what an update would have to send back: that is read again.
    const { raw: _, ...kept } = person as ShownPerson & Partial<Person>;
    const key = keyOf(personCode);
    const [code, id, at] = [hashOf(key), hashOf(person.personId), this.now()];
    this.#forgetOwn(code);
    this.#byCode.set(code, { id, at, place: this.#own.add({ key, person: kept, at }) });
    this.#codeOf.set(id, code);
    for (const [oldest, { at, place }] of this.#byCode) {
      this.#own.dropBefore(place);
      if (!this.#isSpare(this.#byCode, at)) break;
      this.#forgetOwn(oldest);
    }
  }

  /** The pages that follow are of one list. */
  beginList(): void {
    const now = this.now();
    this.#lists = [new ListedPersons(now), ...this.#lists.filter(({ begunAt }) => now - begunAt < freshMs)];
  }

  /** `at` is when the page was asked for. */
  noteListed(page: readonly ShownPerson[], at: number): void {
    for (const person of page) this.#lists[0]?.add({ key: keyOf(person.personCode), person, at });
  }

  /** All pages of the list were noted. */
  endList(): void {
    for (const older of this.#lists.slice(1)) older.forgetAll();
  }

  forget(personCode: string): void {
    const key = keyOf(personCode);
    this.#forgetOwn(hashOf(key));
    for (const list of this.#lists) list.forget(key);
  }

  /** Gives the memory back that old ones take. */
  forgetOld(): void {
    for (const [code, { at }] of this.#byCode) if (this.now() - at >= freshMs) this.#forgetOwn(code);
    const [oldest] = this.#byCode.values();
    this.#own.dropBefore(oldest?.place ?? Number.POSITIVE_INFINITY);
    for (const [id, at] of this.#writtenAt) if (this.now() - at >= freshMs) this.#writtenAt.delete(id);
    this.#lists = this.#lists.filter(({ begunAt }) => this.now() - begunAt < freshMs);
  }

  /** What a write of this daemon changes. The person is forgotten while it is under way, and where it fails. */
  async writing<T>(personId: string, changes: Partial<ShownPerson>, write: () => Promise<T>): Promise<T> {
    const id = hashOf(personId);
    const found = this.#freshAt(this.#codeOf.get(id));
    const known = found?.person.personId === personId ? found : undefined;
    this.#forgetOwn(this.#codeOf.get(id));
    this.#noteWrite(id, Number.POSITIVE_INFINITY);
    try {
      const result = await write();
      // n.b. Whoever read it meanwhile may have read it before the write.
      this.#forgetOwn(this.#codeOf.get(id));
      if (known) this.note(known.key, { ...known.person, ...changes });
      return result;
    } finally {
      this.#noteWrite(id, this.now());
    }
  }

  #fresh(personCode: string): PackedPerson | undefined {
    const key = keyOf(personCode);
    const found = this.#freshAt(hashOf(key));
    return found?.key === key ? found : undefined;
  }

  #freshAt(code: number | undefined): PackedPerson | undefined {
    const known = code === undefined ? undefined : this.#byCode.get(code);
    return known && this.now() - known.at < freshMs ? this.#own.get(known.place) : undefined;
  }

  /** As the newest list that shows the person does. */
  #listed(key: string): PackedPerson | undefined {
    return this.#lists.find((list) => list.has(key))?.get(key);
  }

  /** A list that was asked for before our last write shows the person as it was. */
  #isNow({ person, at }: PackedPerson): boolean {
    return this.now() - at < freshMs && at > (this.#writtenAt.get(hashOf(person.personId)) ?? Number.NEGATIVE_INFINITY);
  }

  #noteWrite(id: number, at: number): void {
    this.#writtenAt.delete(id);
    this.#writtenAt.set(id, at);
    for (const [oldest, at] of this.#writtenAt) {
      if (!this.#isSpare(this.#writtenAt, at)) break;
      this.#writtenAt.delete(oldest);
    }
  }

  /** In the longest run there are those of one minute. */
  #isSpare(all: { readonly size: number }, at: number): boolean {
    return all.size > maxPersons || this.now() - at >= freshMs;
  }

  #forgetOwn(code: number | undefined): void {
    const known = code === undefined ? undefined : this.#byCode.get(code);
    if (code === undefined || known === undefined) return;
    this.#own.drop(known.place);
    this.#byCode.delete(code);
    if (this.#codeOf.get(known.id) === code) this.#codeOf.delete(known.id);
  }
}

const keyOf = (personCode: string) => personCode.trim().toLowerCase();
