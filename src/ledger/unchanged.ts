import { entryOf } from "../errors/codes.ts";
import { usableKibOf } from "../people/kib.ts";
import { usableNikOf } from "../people/nik.ts";
import type { RecordMemory } from "../people/types.ts";
import type { Rows } from "./schema.ts";
import type { Entry } from "./subjects.ts";

/** Of our rules: another number makes everybody be looked at once. */
const rules = 1;
/** A record is looked at at least so often, whatever this daemon remembers. */
const trustedMs = 24 * 3_600_000;

/** Where nothing is remembered. */
export const noRecordMemory: RecordMemory = { unchanged: async () => new Set() };

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** The same for two records of one date that make HikCentral be written alike; undefined without a usable NIK. */
export function unchangedMarkOf(employee: unknown, inducted: string | undefined): string | undefined {
  const nik = usableNikOf(field(employee, "identity_number"));
  if (nik === undefined) return undefined;
  const zones = field(employee, "regionals");
  const slugs = Array.isArray(zones) ? zones.map((zone) => JSON.stringify(field(zone, "slug"))).sort() : zones;
  const link = field(field(employee, "photo"), "link");
  const [name, kib, born] = ["name", "kib_number", "birth_date"].map((key) => field(employee, key));
  const path = typeof link === "string" ? photoPath(link) : link;
  return digest([rules, inducted, nik, name, usableKibOf(kib) ?? kib, born, slugs, path]);
}

/** n.b. A query may be a signature that expires. */
export const photoPath = (link: string): string => link.trim().replace(/\?.*$/s, "");

/** The same for two photo links of a record that are alike; undefined without one. */
export function photoPathOf(employee: unknown): string | undefined {
  const link = field(field(employee, "photo"), "link");
  return typeof link === "string" ? photoPath(link) || undefined : undefined;
}

export const digest = (parts: unknown): string =>
  new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);

/**
 * Notes a record that leaves the publisher, and that it has come to its end as it was. Part of the ledger's transaction:
 * `query` must not flush.
 */
export function noteProgress(entry: Entry, person: string, item: string, settings: string, query: Rows): void {
  const { mark, photo, isThrough, kind } = entry;
  if (kind !== "person") return;
  if (mark !== undefined)
    query("insert or replace into unchanged values (?, ?, ?, ?, null, ?)", person, item, mark, settings, photo ?? null);
  const end = "update unchanged set at = ? where person = ? and item = ?";
  if (isThrough) query(end, entry.at.toISOString(), person, item);
}

interface Remembers {
  readonly rows: Rows;
  readonly settings: string;
  now(): Date;
  personKey(code: string): string;
}

/** `persons` asks HikCentral how many it has, again where that was fewer: with fewer than before, e.g. after a restore, nothing is known of anybody. */
export function recordsOf(ledger: Remembers, persons: (atLeast: number) => Promise<number | undefined>): RecordMemory {
  return {
    async unchanged(employees, inducted) {
      const [fact] = ledger.rows<{ value: number }>("select value from facts where name = 'persons'");
      const before = fact?.value;
      const count = await persons(before ?? 0).catch(() => undefined);
      if (count !== undefined) ledger.rows("insert or replace into facts values ('persons', ?)", count);
      if (count !== undefined && count < (before ?? 0)) ledger.rows("delete from unchanged");
      if (count === undefined || before === undefined) return new Set();
      const since = new Date(ledger.now().getTime() - trustedMs).toISOString();
      const find = "select 1 from unchanged where person = ? and mark = ? and settings = ? and at > ? and at <= ?";
      const isUnchanged = (employee: unknown) => {
        const code = usableNikOf(field(employee, "identity_number"));
        const mark = unchangedMarkOf(employee, inducted);
        if (code === undefined || mark === undefined) return false;
        const person = ledger.personKey(code);
        const now = ledger.now().toISOString();
        if (ledger.rows(find, person, ledger.personKey(mark), ledger.settings, since, now).length === 0) return false;
        // What no change of the record cures may be cured by now.
        const open = ledger.rows<{ code: string }>(
          "select code from cases where person = ? and closed is null",
          person,
        );
        return open.every(({ code }) => entryOf(code)?.cure === "record");
      };
      return new Set(employees.filter(isUnchanged));
    },
  };
}

/** One more person of our own making. */
export const notePerson = (rows: Rows): void => void rows("update facts set value = value + 1 where name = 'persons'");
