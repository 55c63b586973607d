import type { Clients } from "../clients.ts";
import type { Config } from "../config/load.ts";
import { codeOf, Failure, isReject, Retry, Unavailable } from "../errors.ts";
import { createOptionalReads } from "../hikcentral/setup-check.ts";
import { usableKibOf } from "../people/kib.ts";
import { namesOf } from "../people/names.ts";
import { type BirthAgreement, birthAgreement, readNik } from "../people/nik.ts";
import { samePerson } from "../people/same-person.ts";
import type { Person } from "../people/types.ts";
import { backoff } from "../util/backoff.ts";

/** Something about an employee that HikCentral does not show, or shows otherwise. */
export interface Difference {
  what: "person" | "face" | "kib" | "access";
  personCode: string;
  kib: string;
  name: string;
  text: string;
  /** The induction date of the last record. */
  date: string;
  /** An ordinary run of that date puts it right: somebody or something is missing, and no human decides about it. */
  canBeFixed: boolean;
}

export interface Comparison {
  /** Different NIKs at Eposh. */
  employees: number;
  /** How many agree, by what was compared. What Eposh does not give counts as agreeing. */
  agree: Record<Difference["what"], number>;
  differences: Difference[];
  /** Records that cannot be a person: no NIK or no name. */
  unusable: number;
  /** Persons whose access was not compared, because the partner may not read group members. */
  unchecked: number;
}

interface Expected {
  name: string;
  kib: string | undefined;
  birth: BirthAgreement;
  face: boolean;
  groups: string[];
  date: string;
}

/** In place of a KIB number that is not there. */
export const noKib = "none";

/** What of an employee was compared. */
interface Finding {
  what: Difference["what"];
  isRight: boolean;
  text: string;
  canBeFixed?: boolean;
}

/** For fewer people than this no list is read. */
const minListed = 10;

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** Nobody inducts so many on a date. */
const maxEmployees = 100_000;

/** A read that fails for now is tried again; after a quarter of a minute in all it is given up. */
const maxFailures = 5;

export interface CompareOptions {
  dates: readonly string[];
  /** Only these KIB numbers. */
  kib?: readonly string[] | undefined;
  signal: AbortSignal;
  /** Told of passing failures and of what is not compared, each text once. */
  say?: (text: string) => void;
  onPerson?: (done: number, of: number) => void;
}

/**
 * Eposh against HikCentral, from lists of 500 persons; what they show to be missing or wrong is confirmed by a single
 * read. Changes nothing. Rejects when a failure persists.
 */
export async function compare(
  { hikcentral, eposh }: Clients,
  { regionals, hikcentral: { concurrency } }: Config,
  { dates, kib: wanted, signal, say = () => {}, onPerson }: CompareOptions,
): Promise<Comparison> {
  const said = new Set<string>();
  const once = (text: string) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
  async function patiently<Data>(read: () => Promise<Data>): Promise<Data> {
    for await (const failures of backoff({ firstMs: 500, maxMs: 8_000, signal })) {
      try {
        return await read();
      } catch (error) {
        const passes = error instanceof Retry || (error instanceof Unavailable && error.reason === "outage");
        if (!passes || failures === maxFailures) throw error;
        once(`${error.message}; trying again`);
      }
    }
    throw signal.reason;
  }

  const expected = new Map<string, Expected>();
  let unusable = 0;
  const pages = eposh.for(signal);
  for (const date of dates) {
    let [before, read] = ["", 0];
    for (let page = 1, last = 1; page <= last && read < maxEmployees; page++) {
      const { data, pagination } = await patiently(() => pages.page(date, page));
      // Each page but a single one holds somebody, and another one than the page before: never believe a last_page.
      const now = JSON.stringify(data);
      if (now === before) break;
      before = now;
      read += data.length;
      last = Math.min(pagination.last_page, pagination.total);
      for (const employee of data) {
        const found = expectationOf(employee, regionals, date);
        if (wanted && !(found?.kib && wanted.includes(found.kib))) continue;
        if (found) expected.set(found.personCode, united(expected.get(found.personCode), found));
        else unusable++;
      }
    }
  }

  const optional = createOptionalReads({ info: once, warn: once });
  /** Undefined where the partner may not read them. */
  async function membersOf(group: string): Promise<Set<string> | undefined> {
    const ids = new Set<string>();
    const read = async () => {
      for await (const page of hikcentral.reads(signal).groupMembers(group)) for (const { id } of page) ids.add(id);
      return ids;
    };
    return await patiently(() => optional("the members of privilege groups", read)).catch((error) => {
      if (codeOf(error) !== "not_found") throw error;
      once(`HikCentral has no privilege group ${group}`);
      return ids;
    });
  }
  const members = new Map<string, Set<string> | undefined>();
  const groups = new Set([...expected.values()].flatMap((one) => one.groups));
  for (const group of groups) members.set(group, await membersOf(group));

  const agree = { person: 0, face: 0, kib: 0, access: 0 };
  let unchecked = 0;
  const differences: Difference[] = [];
  const calls = hikcentral.for(signal);
  const judge = (person: Person | undefined, { name, kib, birth, face, groups }: Expected): Finding[] => {
    const kibThere = person && calls.kibOf(person);
    const verdict = person && samePerson({ ...namesOf(name), kib }, { ...person, kib: kibThere }, birth);
    const isNamed = verdict?.same || verdict?.reason === "birth_date";
    const text = person ? "the person has another name" : "no such person";
    const found: Finding[] = [{ what: "person", isRight: isNamed === true, text, canBeFixed: !person }];
    if (!person) return found;
    const missing = groups.filter((group) => members.get(group)?.has(person.personId) === false);
    found.push(
      { what: "face", isRight: person.hasFace || !face, text: "no face", canBeFixed: isNamed === true },
      {
        what: "kib",
        isRight: kib === undefined || kibThere === kib,
        text: `KIB is ${kibThere || "empty"}`,
        canBeFixed: isNamed === true,
      },
    );
    const isUnchecked = missing.length === 0 && groups.some((group) => members.get(group) === undefined);
    if (!isUnchecked)
      found.push({
        what: "access",
        isRight: missing.length === 0,
        text: `not in privilege group ${missing.join(", ")}`,
      });
    return found;
  };
  let done = 0;
  const note = (personCode: string, { kib = noKib, name, date }: Expected, findings: readonly Finding[]) => {
    for (const { what, isRight, text, canBeFixed = false } of findings) {
      if (isRight) agree[what]++;
      else differences.push({ what, personCode, kib, name, text, date, canBeFixed });
    }
    const isPerson = findings.length > 1;
    if (isPerson && !findings.some(({ what }) => what === "access")) unchecked++;
    onPerson?.(++done, expected.size);
  };

  /** Those who are not yet known to be right. */
  const left = new Map(expected);
  const fromLists = async () => {
    let pages = 0;
    for await (const page of hikcentral.reads(signal).persons()) {
      for (const person of page) {
        const employee = left.get(person.personCode);
        const findings = employee && judge(person, employee);
        if (!employee || !findings?.every(({ isRight }) => isRight)) continue;
        left.delete(person.personCode);
        note(person.personCode, employee, findings);
      }
      // All persons of a large site are not read for a few employees.
      if (++pages >= left.size) return;
    }
  };
  if (left.size >= minListed) await patiently(() => optional("the list of persons", fromLists));

  const waiting = left.entries();
  const worker = async () => {
    for (const [personCode, employee] of waiting) {
      const findings = await patiently(() => calls.personByCode(personCode)).then(
        (person) => judge(person, employee),
        (error): Finding[] => {
          if (!isReject(error)) throw error;
          return [{ what: "person", isRight: false, text: error.message }];
        },
      );
      note(personCode, employee, findings);
    }
  };
  await Promise.all(Array.from({ length: 2 * concurrency }, worker));
  return { employees: expected.size, agree, differences, unusable, unchecked };
}

/** Two records of one NIK: access is only ever added, and the later record decides the rest. */
const united = (before: Expected | undefined, found: Expected): Expected =>
  before
    ? { ...found, kib: found.kib ?? before.kib, groups: [...new Set([...before.groups, ...found.groups])] }
    : found;

function expectationOf(
  employee: unknown,
  regionals: Readonly<Record<string, string>>,
  date: string,
): (Expected & { personCode: string }) | undefined {
  try {
    const nik = readNik(field(employee, "identity_number"));
    const birth = birthAgreement(nik, field(employee, "birth_date"));
    const name = String(field(employee, "name") ?? "");
    namesOf(name);
    const zones = field(employee, "regionals");
    const slugs = Array.isArray(zones) ? zones.map((zone) => String(field(zone, "slug"))) : [];
    const groups = slugs.flatMap((slug) => (Object.hasOwn(regionals, slug) ? (regionals[slug] ?? []) : []));
    const face = String(field(field(employee, "photo"), "link") ?? "").trim() !== "";
    return { personCode: nik.code, name, kib: usableKibOf(field(employee, "kib_number")), birth, face, groups, date };
  } catch (error) {
    if (error instanceof Failure && isReject(error)) return undefined;
    throw error;
  }
}
