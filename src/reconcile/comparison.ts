import type { Clients } from "../clients.ts";
import type { Config } from "../config/load.ts";
import { codeOf, Failure, isReject, Retry, Unavailable } from "../errors.ts";
import { createOptionalReads } from "../hikcentral/setup-check.ts";
import { usableKibOf } from "../people/kib.ts";
import { namesOf } from "../people/names.ts";
import { type BirthAgreement, birthAgreement, readNik } from "../people/nik.ts";
import { samePerson } from "../people/same-person.ts";
import { backoff } from "../util/backoff.ts";

/** Something about an employee that HikCentral does not show, or shows otherwise. */
export interface Difference {
  what: "person" | "face" | "kib" | "access";
  personCode: string;
  kib: string;
  name: string;
  text: string;
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
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** Nobody inducts so many on a date. */
const maxEmployees = 100_000;

/** A read that fails for now is tried again; after a quarter of a minute in all it is given up. */
const maxFailures = 5;

export interface CompareOptions {
  dates: readonly string[];
  signal: AbortSignal;
  /** Told of passing failures and of what is not compared, each text once. */
  say?: (text: string) => void;
  onPerson?: (done: number, of: number) => void;
}

/** Eposh against HikCentral, one read for each person; changes nothing. Rejects when a failure persists. */
export async function compare(
  { hikcentral, eposh }: Clients,
  { regionals, hikcentral: { concurrency } }: Config,
  { dates, signal, say = () => {}, onPerson }: CompareOptions,
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
        const found = expectationOf(employee, regionals);
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
  const look = async (personCode: string, { name, kib, birth, face, groups }: Expected) => {
    const note = (what: Difference["what"], isRight: boolean, text: string) => {
      if (isRight) agree[what]++;
      else differences.push({ what, personCode, kib: kib ?? "none", name, text });
    };
    const person = await patiently(() => calls.personByCode(personCode)).catch((error) => {
      if (!isReject(error)) throw error;
      note("person", false, error.message);
      return null;
    });
    if (person === null) return;
    const kibThere = person && calls.kibOf(person);
    const verdict = person && samePerson({ ...namesOf(name), kib }, { ...person, kib: kibThere }, birth);
    const isNamed = verdict?.same || verdict?.reason === "birth_date";
    note("person", isNamed === true, person ? "the person has another name" : "no such person");
    if (!person) return;
    const missing = groups.filter((group) => members.get(group)?.has(person.personId) === false);
    const isUnchecked = missing.length === 0 && groups.some((group) => members.get(group) === undefined);
    note("face", person.hasFace || !face, "no face");
    note("kib", kib === undefined || kibThere === kib, `KIB is ${kibThere || "empty"}`);
    if (isUnchecked) unchecked++;
    else note("access", missing.length === 0, `not in privilege group ${missing.join(", ")}`);
  };
  const waiting = expected.entries();
  let done = 0;
  const worker = async () => {
    for (const [personCode, employee] of waiting) {
      await look(personCode, employee);
      onPerson?.(++done, expected.size);
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
    return { personCode: nik.code, name, kib: usableKibOf(field(employee, "kib_number")), birth, face, groups };
  } catch (error) {
    if (error instanceof Failure && isReject(error)) return undefined;
    throw error;
  }
}
