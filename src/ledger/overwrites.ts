import type { OverwriteKind } from "../people/types.ts";
import type { Rows } from "./schema.ts";

/** Something of a known person that we replaced in HikCentral, as `changes` shows it. */
export interface Overwrite {
  at: string;
  run: string | null;
  kib: string | null;
  /** The employee's at Eposh. */
  name: string;
  what: OverwriteKind;
  /** Of faces the marks of the two pictures, of access the privilege group after "not noted". */
  from: string;
  to: string;
  inducted: string | null;
  reason: string;
}

export interface OverwriteFilter {
  kib?: string | undefined;
  /** The first day or moment, as ISO 8601. */
  since?: string | undefined;
}

const maxShown = 10_000;

/** Newest first. A KIB finds all changes of whoever had it, also those under another number. */
export const overwritesOf = (rows: Rows, { kib, since = "" }: OverwriteFilter): Overwrite[] =>
  rows<Overwrite>(
    `select at, run, kib, name, what, old as "from", new as "to", inducted, reason from overwrites
     where at >= ?1 and (?2 is null or person in (select person from overwrites where ?2 in (kib, old, new)))
     order by at desc, id desc limit ?3`,
    since,
    kib ?? null,
    maxShown,
  );
