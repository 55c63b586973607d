import type { BriefPerson, Person, ShownPerson } from "../../people/types.ts";
import { ListedPersons, type ListOptions } from "./listed-persons.ts";
import { type PackedPerson, PackedPersons } from "./packed-persons.ts";
import { freshMs, RecentNumbers } from "./recent-numbers.ts";

/** `person` is undefined where HikCentral's list of persons does not show one. */
export interface Glance {
  readonly person: ShownPerson | undefined;
}

/**
 * The persons that this daemon read or wrote within the last minute, or that a list of that age shows, so that the next
 * stage need not ask HikCentral again. Bounded; a write whose outcome is unknown, or that HikCentral refuses, makes it
 * forget the person.
 */
export class RecentPersons {
  readonly #own = new PackedPersons();
  /** Key of the personCode → place among our own. */
  readonly #byCode: RecentNumbers;
  /** personId → place. n.b. Whether the person is still known there says `#byCode`. */
  readonly #byId: RecentNumbers;
  /** personId → when our last write ended: a list that was asked for before may show the person as it was. */
  readonly #writtenAt: RecentNumbers;
  /** personId → how many writes are under way. */
  readonly #writing = new Map<string, number>();
  /** The newest first. */
  #lists: readonly ListedPersons[] = [];

  constructor(readonly now: () => number) {
    this.#byCode = new RecentNumbers(now);
    this.#byId = new RecentNumbers(now);
    this.#writtenAt = new RecentNumbers(now);
  }

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
    return this.#byCode.get(key) !== undefined || this.#lists.some((list) => list.has(key));
  }

  note(personCode: string, person: ShownPerson): void {
    // n.b. Without what an update would have to send back: that is read again.
    const { raw: _, ...kept } = person as ShownPerson & Partial<Person>;
    const key = keyOf(personCode);
    this.#forgetOwn(key);
    const place = this.#own.add({ key, person: kept, at: this.now() });
    this.#byCode.set(key, place);
    this.#byId.set(person.personId, place);
    this.#own.dropBefore(this.now() - freshMs);
  }

  /** The pages that follow are of one list. */
  beginList(options: ListOptions = {}): void {
    const now = this.now();
    this.#lists = [new ListedPersons(now, options), ...this.#lists.filter(({ begunAt }) => now - begunAt < freshMs)];
  }

  /** The list that was begun does not come to its end. */
  abandonList(): void {
    this.#lists = this.#lists.slice(1);
  }

  /** Whether more is wanted of the next page than who is there. */
  get keepsListed(): boolean {
    return this.#lists[0]?.hasRoom ?? false;
  }

  /** Whether the newest list shows no more of anybody. */
  get isListBrief(): boolean {
    return this.#lists[0]?.isBrief ?? false;
  }

  /** `at` is when the page was asked for. */
  noteListed(page: readonly (ShownPerson | BriefPerson)[], at: number): void {
    for (const person of page) this.#lists[0]?.add(keyOf(person.personCode), person, at);
  }

  /** All pages of the list were noted. */
  endList(): void {
    for (const older of this.#lists.slice(1)) older.forgetAll();
  }

  forget(personCode: string): void {
    const key = keyOf(personCode);
    this.#forgetOwn(key);
    for (const list of this.#lists) list.forget(key);
  }

  /** Gives the memory back that old ones take. */
  forgetOld(): void {
    for (const numbers of [this.#byCode, this.#byId, this.#writtenAt]) numbers.forgetOld();
    this.#own.dropBefore(this.now() - freshMs);
    this.#lists = this.#lists.filter(({ begunAt }) => this.now() - begunAt < freshMs);
  }

  /** What a write of this daemon changes. The person is forgotten while it is under way, and where it fails. */
  async writing<T>(personId: string, changes: Partial<ShownPerson>, write: () => Promise<T>): Promise<T> {
    const known = this.#takeOwn(personId);
    this.#writing.set(personId, (this.#writing.get(personId) ?? 0) + 1);
    const result = await write().finally(() => this.#endWrite(personId));
    if (known && !this.#writing.has(personId)) this.note(known.key, { ...known.person, ...changes });
    return result;
  }

  #endWrite(personId: string): void {
    const others = (this.#writing.get(personId) ?? 1) - 1;
    if (others > 0) this.#writing.set(personId, others);
    else this.#writing.delete(personId);
    this.#writtenAt.set(personId, this.now());
    // n.b. Whoever read it meanwhile may have read it before the write.
    this.#takeOwn(personId);
  }

  #fresh(personCode: string): PackedPerson | undefined {
    const key = keyOf(personCode);
    const found = this.#freshAt(this.#byCode.get(key));
    return found?.key === key ? found : undefined;
  }

  #freshAt(place: number | undefined): PackedPerson | undefined {
    const found = place === undefined ? undefined : this.#own.get(place);
    return found && this.now() - found.at < freshMs ? found : undefined;
  }

  /** As the newest list that shows the person does. */
  #listed(key: string): PackedPerson | undefined {
    return this.#lists.find((list) => list.has(key))?.get(key);
  }

  /** A list that was asked for before our last write shows the person as it was. */
  #isNow({ person: { personId }, at }: PackedPerson): boolean {
    const writtenAt = this.#writing.has(personId) ? at : (this.#writtenAt.get(personId) ?? Number.NEGATIVE_INFINITY);
    return this.now() - at < freshMs && at > writtenAt;
  }

  /** Returns who is forgotten. */
  #takeOwn(personId: string): PackedPerson | undefined {
    const place = this.#byId.get(personId);
    const found = this.#freshAt(place);
    if (found?.person.personId !== personId || this.#byCode.get(found.key) !== place) return undefined;
    this.#forgetOwn(found.key);
    return found;
  }

  #forgetOwn(key: string): void {
    const place = this.#byCode.get(key);
    if (place === undefined) return;
    this.#own.drop(place);
    this.#byCode.delete(key);
  }
}

const keyOf = (personCode: string) => personCode.trim().toLowerCase();
