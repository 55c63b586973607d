import { isReject } from "../errors.ts";
import { wholeName } from "../people/names.ts";
import { readRemark } from "../people/remark.ts";
import type { ShownPerson } from "../people/types.ts";
import { type Difference, noKib, type Recall } from "./difference.ts";
import type { Expected } from "./expected.ts";

/** A person as the lists show it. */
type Listed = Pick<ShownPerson, "personId" | "personCode" | "givenName" | "familyName">;

/** What the list of all persons shows of the site as a whole: whose KIB numbers are where, and who has access. */
export class SiteLists {
  /** KIB number → the persons who have it, by personId: a list may show somebody twice. */
  readonly #holders = new Map<string, Map<string, Listed>>();
  /** KIB numbers of employees. */
  readonly #expected = new Set<string>();
  /** Members of our privilege groups without our note, by NIK. */
  readonly #noteless = new Map<string, Listed & { kib: string; groups: string[] }>();
  readonly #seenMembers = new Set<string>();

  constructor(
    readonly people: ReadonlyMap<string, Expected>,
    readonly members: ReadonlyMap<string, ReadonlySet<string> | undefined>,
    readonly kibOf: (person: ShownPerson) => string,
  ) {
    for (const { kib } of people.values()) if (kib !== undefined) this.#expected.add(kib);
  }

  add(person: ShownPerson): void {
    const { personId, personCode, givenName, familyName, remark } = person;
    const listed = { personId, personCode, givenName, familyName };
    const kib = this.kibOf(person);
    if (this.#expected.has(kib) || aNumber.test(kib))
      this.#holders.getOrInsertComputed(kib, () => new Map()).set(personId, listed);
    const groups = [...this.members].flatMap(([group, ids]) => (ids?.has(personId) ? [group] : []));
    if (groups.length > 0) this.#seenMembers.add(personId);
    if (groups.length > 0 && !readRemark(remark).hasNote) this.#noteless.set(keyOf(listed), { ...listed, kib, groups });
  }

  /** Whether each member of our privilege groups was among the persons. */
  showAllMembers(): boolean {
    return this.members.values().every((ids) => ids === undefined || ids.isSubsetOf(this.#seenMembers));
  }

  /** Members without our note whom a record explains; `recall` knows the others. */
  async membersBy(recall: Recall): Promise<{ known: string[]; unknown: string[]; hasMembers: boolean }> {
    const codes = [...this.#noteless.keys()];
    const { hasMembers, persons } = await recall(codes.map((code) => ({ code })));
    const isKnown = (code: string, at: number) => this.people.has(code) || persons[at]?.isKnown === true;
    return { known: codes.filter(isKnown), unknown: codes.filter((code, at) => !isKnown(code, at)), hasMembers };
  }

  /** Members whom no record explains, where another list and a single read still show them so. */
  async unmatched(
    codes: readonly string[],
    {
      membersOf,
      personByCode,
    }: SecondLook & { membersOf: (group: string) => Promise<ReadonlySet<string> | undefined> },
  ): Promise<Difference[]> {
    const again = new Map<string, ReadonlySet<string> | undefined>();
    const found: Difference[] = [];
    for (const code of codes) {
      const listed = this.#noteless.get(code);
      if (!listed) continue;
      for (const group of listed.groups) if (!again.has(group)) again.set(group, await membersOf(group));
      const groups = listed.groups.filter((group) => again.get(group)?.has(listed.personId));
      const isThere = await isStill(listed, personByCode, ({ remark }) => !readRemark(remark).hasNote);
      if (groups.length === 0 || !isThere) continue;
      const text = `person ${listed.personId} is in privilege group ${groups.join(", ")}, and no record explains it`;
      const what = { what: "member", code: "unmatched_member", text } as const;
      const who = { personCode: code, kib: listed.kib || noKib, name: wholeName(listed), date: "", record: code };
      found.push({ ...what, ...who, canBeFixed: false });
    }
    return found;
  }

  /** Employees whose KIB number another person has too, or instead, where a single read still shows it. */
  async sharedKibs({ personByCode }: SecondLook): Promise<Difference[]> {
    const found: Difference[] = [];
    for (const { personCode, kib, name, date, record } of this.people.values()) {
      const holders = kib === undefined ? [] : [...(this.#holders.get(kib)?.values() ?? [])];
      const isOwn = (one: Listed) => one.personCode === personCode;
      const other = holders.find((one) => !isOwn(one));
      if (kib === undefined || !other) continue;
      if (!(await isStill(other, personByCode, (person) => this.kibOf(person) === kib))) continue;
      const whose = `${wholeName(other)} (person ${other.personId})`;
      const both = holders.some(isOwn);
      const text = both ? `${whose} has this KIB too` : `${whose} has this KIB instead`;
      const code = both ? "kib_in_use" : "kib_on_other_person";
      found.push({ what: "kib", code, personCode, kib, name, text, date, record, canBeFixed: false });
    }
    return found;
  }

  /** Two persons with one KIB number who are both no employees, e.g. because they were inducted long ago. */
  async twins({ personByCode }: SecondLook): Promise<Difference[]> {
    const found: Difference[] = [];
    for (const [kib, all] of this.#holders) {
      const holders = [...all.values()];
      const [one, other] = holders.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      if (one === undefined || other === undefined || this.#expected.has(kib)) continue;
      const hasKib = (listed: Listed) => isStill(listed, personByCode, (person) => this.kibOf(person) === kib);
      if (!((await hasKib(one)) && (await hasKib(other)))) continue;
      const more = holders.length > 2 ? `, and ${holders.length - 2} more` : "";
      const text = `${wholeName(other)} (person ${other.personId}) has this KIB too${more}`;
      const who = { personCode: keyOf(one), kib, name: wholeName(one), date: "", record: `KIB ${kib}` };
      found.push({ what: "kib", code: "kib_in_use", text, ...who, canBeFixed: false });
    }
    return found;
  }
}

/** What stands in the field of many persons is none: "-", "0". */
const aNumber = /\d{4}/;

export interface SecondLook {
  personByCode: (personCode: string) => Promise<ShownPerson | undefined>;
}

/** Somebody without a personCode is told by the number alone. */
const keyOf = ({ personCode, personId }: Listed): string => personCode || `person ${personId}`;

/** n.b. Who has no personCode cannot be read alone: the list must do. */
async function isStill(
  listed: Listed,
  read: SecondLook["personByCode"],
  isSo: (person: ShownPerson) => boolean,
): Promise<boolean> {
  if (listed.personCode === "") return true;
  const person = await read(listed.personCode).catch((error: unknown) => {
    if (isReject(error)) return undefined;
    throw error;
  });
  return person?.personId === listed.personId && isSo(person);
}
