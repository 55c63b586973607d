import type { Config } from "../config/load.ts";
import { Failure, isReject } from "../errors.ts";
import { recordMarkOf } from "../ledger/cases/record.ts";
import { usableKibOf } from "../people/kib.ts";
import { namesOf } from "../people/names.ts";
import { type BirthAgreement, birthAgreement, readNik } from "../people/nik.ts";
import type { Eposh } from "../upstreams/eposh.ts";

/** What HikCentral must show of one NIK, by all its records of the compared dates. */
export interface Expected {
  personCode: string;
  name: string;
  kib: string | undefined;
  birth: BirthAgreement;
  /** The link of the photo. */
  photo: string | undefined;
  /** Privilege group → the induction date of the last record that names it. */
  groups: ReadonlyMap<string, string>;
  /** The induction date of the last record. */
  date: string;
  /** Tells that record from all others (cases/record.ts). */
  record: string;
}

export interface ExpectedPeople {
  /** By NIK. */
  people: Map<string, Expected>;
  /** Records that cannot be a person: no NIK or no name. */
  unusable: number;
}

/** Nobody inducts so many on a date. */
const maxEmployees = 100_000;

export interface ExpectedOptions {
  regionals: Config["regionals"];
  dates: readonly string[];
  /** Only these KIB numbers. */
  kib: readonly string[] | undefined;
  patiently: <Data>(read: () => Promise<Data>) => Promise<Data>;
}

/** Reads all dates from Eposh. */
export async function expectedFrom(
  eposh: Pick<Eposh, "page">,
  { regionals, dates, kib: wanted, patiently }: ExpectedOptions,
): Promise<ExpectedPeople> {
  const people = new Map<string, Expected>();
  let unusable = 0;
  for (const date of dates) {
    let [before, read] = ["", 0];
    for (let page = 1, last = 1; page <= last && read < maxEmployees; page++) {
      const { data, pagination } = await patiently(() => eposh.page(date, page));
      // Each page but a single one holds somebody, and another one than the page before: never believe a last_page.
      const now = JSON.stringify(data);
      if (now === before) break;
      before = now;
      read += data.length;
      last = Math.min(pagination.last_page, pagination.total);
      for (const employee of data) {
        const found = expectationOf(employee, regionals, date);
        if (wanted && !(found?.kib && wanted.includes(found.kib))) continue;
        if (found) people.set(found.personCode, united(people.get(found.personCode), found));
        else unusable++;
      }
    }
  }
  return { people, unusable };
}

/** Two records of one NIK: access is only ever added, and the later record decides the rest. */
const united = (before: Expected | undefined, found: Expected): Expected =>
  before ? { ...found, kib: found.kib ?? before.kib, groups: new Map([...before.groups, ...found.groups]) } : found;

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

function expectationOf(employee: unknown, regionals: Config["regionals"], date: string): Expected | undefined {
  try {
    const nik = readNik(field(employee, "identity_number"));
    const birth = birthAgreement(nik, field(employee, "birth_date"));
    const name = String(field(employee, "name") ?? "");
    namesOf(name);
    const zones = field(employee, "regionals");
    const slugs = Array.isArray(zones) ? zones.map((zone) => String(field(zone, "slug"))) : [];
    const groups = slugs.flatMap((slug) => (Object.hasOwn(regionals, slug) ? (regionals[slug] ?? []) : []));
    const photo = String(field(field(employee, "photo"), "link") ?? "").trim() || undefined;
    const kib = usableKibOf(field(employee, "kib_number"));
    const dated = new Map(groups.map((group) => [group, date]));
    return { personCode: nik.code, name, kib, birth, photo, groups: dated, date, record: recordMarkOf(employee) };
  } catch (error) {
    if (error instanceof Failure && isReject(error)) return undefined;
    throw error;
  }
}
