import type { Ledger } from "../../ledger/ledger.ts";
import { usableKibOf } from "../../people/kib.ts";
import { type BirthAgreement, birthAgreement, readNik } from "../../people/nik.ts";
import type { Eposh } from "../../upstreams/eposh.ts";

/** Somebody who may be meant. Two people under one NIK are two. */
export interface Subject {
  /** The keyed hash of the NIK. */
  person: string | undefined;
  /** The NIK itself, never shown. */
  code: string | undefined;
  name: string | undefined;
  kib: string | undefined;
}

/** What Eposh says now. */
export interface EposhRecord {
  date: string;
  name: string;
  kib: string | undefined;
  zones: { name: string; slug: string }[];
  /** The link of the photo. */
  photo: string | undefined;
  code: string | undefined;
  birth: BirthAgreement;
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
const textOf = (value: unknown): string => (typeof value === "string" ? value.trim() : "");

/** Names as people compare them at a glance. */
export const sameName = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && plain(a) === plain(b);
/** Its letters and digits. */
export const plain = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

function recordOf(employee: unknown, date: string): EposhRecord {
  const zones = field(employee, "regionals");
  const nik = usable(employee);
  return {
    date,
    name: textOf(field(employee, "name")),
    kib: usableKibOf(field(employee, "kib_number")),
    zones: (Array.isArray(zones) ? zones : []).map((zone) => {
      const slug = textOf(field(zone, "slug"));
      return { slug, name: textOf(field(zone, "name")) || slug };
    }),
    photo: textOf(field(field(employee, "photo"), "link")) || undefined,
    code: nik?.code,
    birth: nik ? birthAgreement(nik, field(employee, "birth_date")) : "unknown",
  };
}

function usable(employee: unknown) {
  try {
    return readNik(field(employee, "identity_number"));
  } catch {
    return undefined;
  }
}

/** The latest few dates on which Eposh listed somebody. */
export function datesOf({ rows }: Ledger, { person, kib }: Subject): string[] {
  const held = rows<{ date: string }>(
    "select distinct date from held where person = ? order by date desc limit 2",
    person ?? "",
  );
  if (held.length > 0) return held.map(({ date }) => date);
  // Whoever has no usable NIK is known by the run only.
  const runs = rows<{ dates: string }>(
    "select dates from runs where id in (select run from seen where kib = ? order by at desc limit 1)",
    kib ?? "",
  );
  return runs.flatMap(({ dates }) => JSON.parse(dates) as string[]).slice(-2);
}

const maxPages = 10;

/** Their records of that date, by NIK, or by KIB and name where there is none. */
export async function recordsOf(eposh: Eposh, subject: Subject, date: string, personKey: (code: string) => string) {
  const found: EposhRecord[] = [];
  for (let page = 1, last = 1; page <= last && page <= maxPages; page++) {
    const { data, pagination } = await eposh.page(date, page);
    last = pagination.last_page;
    for (const employee of data) {
      const record = recordOf(employee, date);
      const isOfNik = record.code !== undefined && subject.person === personKey(record.code);
      const isOfNone = record.code === undefined || subject.person === undefined;
      const isByKib = isOfNone && subject.kib !== undefined && record.kib === subject.kib;
      if (isOfNik || isByKib) found.push(record);
    }
  }
  return found;
}
