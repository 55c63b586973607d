import type { FailureCode } from "../../errors/codes.ts";
import { photoMark } from "../../people/remark.ts";
import { lastInductedOf } from "../items/latest.ts";
import { sourceBehind } from "../photos/sources.ts";
import type { Rows, Value } from "../schema.ts";
import { photoPath } from "../unchanged.ts";

/** Where a case of the nightly comparison stands instead of a stage. */
export const comparisonStage = "comparison";

/** An ordinary run of the record puts it right, and ends its case. */
const fixedByRun: ReadonlySet<string> = new Set<FailureCode>([
  "not_in_hikcentral",
  "face_missing",
  "face_outdated",
  "kib_differs",
  "validity_ended",
  "access_lost",
]);

/** The same problem, as a stage says it. */
const alike: Readonly<Record<string, readonly FailureCode[]>> = {
  face_missing: ["no_photo", "face_refused", "face_not_stored", "photo_host_not_allowed"],
  face_outdated: ["photo_not_updated", "face_refused", "photo_host_not_allowed"],
  kib_differs: ["bad_kib_number", "kib_field_missing"],
  name_differs: ["identity_conflict"],
  access_lost: ["taken_away_in_hikcentral"],
};

/** What the comparison found of a record, or of a person whom no record explains. */
export interface Situation {
  code: FailureCode;
  text: string;
  personCode: string;
  record: string;
  kib: string | undefined;
  name: string;
  /** The induction date; undefined without a record. */
  inducted: string | undefined;
}

/** What an operator has seen and dropped stays so, until it is another situation. */
const isKept = "why = 'dropped' and text = ?8";

/** Whether the run of a record that passed the last stage ends its case of the comparison. */
export const endsByRun = (code: string): boolean => fixedByRun.has(code);

interface Noting {
  readonly rows: Rows;
  readonly personKey: (code: string) => string;
  readonly cases: {
    idOf(...parts: readonly string[]): string;
    marksOf(record: string): { record: string; name: string };
    noteName(record: string, name: string): void;
  };
}

/** Opens the cases of what the comparison found. Part of the ledger's transaction: `rows` must not flush. */
export function noteSituations({ rows, personKey, cases }: Noting, found: readonly Situation[], at: string): void {
  for (const { code, text, personCode, record, kib, name, inducted } of found) {
    const person = inducted === undefined ? null : personKey(personCode);
    const [isRun, others] = [fixedByRun.has(code), JSON.stringify([code, ...(alike[code] ?? [])])];
    // A person who is held up, or whose case a stage has opened, has that case already.
    const open = `select 1 from cases where closed is null and stage <> ?1 and person = ?2
      and (code in (select value from json_each(?3)) or (?4 and kind = 'dead letter')) limit 1`;
    if (rows(open, comparisonStage, person, others, Number(isRun)).length > 0) continue;
    const marks = cases.marksOf(record);
    cases.noteName(marks.record, name);
    const values: Value[] = [cases.idOf(marks.record, comparisonStage, code), marks.record, person, marks.name];
    rows(
      `insert into cases (id, record, person, name, kib, stage, code, kind, text, first, last, runs, inducted, repeat,
         fetched) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'warning', ?8, ?9, ?9, 0, ?10, 0, ?9)
       on conflict (id) do update set text = ?8, last = ?9, first = iif(closed is null, first, ?9), absent = 0,
         inducted = ?10, fetched = ?9, closed = iif(${isKept}, closed, null), why = iif(${isKept}, why, null)`,
      ...[...values, kib ?? null, comparisonStage, code, text, at, inducted ?? null],
    );
  }
}

/** A stage has said the same problem: it is one case, that of the stage. */
export function closeAlike(rows: Rows, code: string, { person, at }: { person: string | null; at: string }): void {
  const same = Object.keys(alike).filter((one) => alike[one]?.some((other) => other === code));
  if (person === null || same.length === 0) return;
  rows(
    `update cases set closed = ?1, why = 'no longer so' where closed is null and stage = ?2 and person = ?3
      and code in (select value from json_each(?4))`,
    ...[at, comparisonStage, person, JSON.stringify(same)],
  );
}

/** Closes those that no comparison since then has found, but none with a code of `unseen`. */
export function closeSituations(rows: Rows, unseen: readonly string[], since: string, at: string): void {
  rows(
    `update cases set closed = ?1, why = 'no longer so' where closed is null and stage = ?2 and last < ?3
      and code not in (select value from json_each(?4))`,
    ...[at, comparisonStage, since, JSON.stringify(unseen)],
  );
}

interface Remembering {
  readonly rows: Rows;
  personKey(code: string): string;
}

/** What the ledger remembers of persons, by NIK, in the same order. Nobody is known before the first comparison. */
export function recallFrom(ledger: Remembering, asked: readonly { code: string; photo?: string | undefined }[]) {
  const { rows } = ledger;
  const persons = asked.map(({ code, photo }) => {
    const person = ledger.personKey(code);
    const find = `select (select photo from unchanged where person = ?1 and at is not null) photo,
      (select picture from links where person = ?1 and mark = ?2) picture,
      (select picture from links where person = ?1 and picture is not null order by at desc limit 1) latest,
      (select json_group_array(privilege_group) from grants where person = ?1 and lost = 1) lost,
      exists (select 1 from members where person = ?1) or exists (select 1 from seen where person = ?1) isKnown`;
    type Row = { photo: string | null; picture: string | null; latest: string | null; lost: string; isKnown: number };
    const [row] = rows<Row>(find, person, photo === undefined ? null : photoMark(photo));
    const written = row?.photo ?? undefined;
    const picture = row?.picture ?? undefined;
    const source = photo === undefined ? undefined : sourceBehind(ledger, code, photo);
    const path = photo === undefined ? undefined : ledger.personKey(photoPath(photo));
    // An earlier version has noted no source. The query of the link may have been another one then.
    const known = picture ?? (written === path ? row?.latest : undefined);
    return {
      lastInducted: lastInductedOf(rows, person),
      hasOtherPhoto: path !== undefined && written !== undefined && written !== path,
      picture,
      source: source ?? (path && known ? { mark: known } : undefined),
      lost: JSON.parse(row?.lost ?? "[]") as string[],
      isKnown: row?.isKnown === 1,
    };
  });
  return { hasMembers: hasBaseline(rows), persons };
}

/** Notes that these members of the privilege groups, by NIK, are no news. */
export function noteMembers(ledger: Remembering, codes: readonly string[]): void {
  const { rows } = ledger;
  const people = JSON.stringify(codes.map((code) => ledger.personKey(code)));
  rows("insert or ignore into members select value from json_each(?)", people);
}

export const hasBaseline = (rows: Rows): boolean => rows("select 1 from facts where name = 'members'").length > 0;

/** Whether a member whom no record explains is an open case. */
export const hasUnmatched = (rows: Rows): boolean =>
  rows("select 1 from cases where closed is null and code = 'unmatched_member' limit 1").length > 0;

/** Whoever is a member now is noted: from here on others are news. */
export const endBaseline = (rows: Rows): void => void rows("insert or ignore into facts values ('members', 1)");
