import type { PersonRef } from "../people/types.ts";

/** What a message is about. */
export interface Subject {
  /** "task" is what has no employee in it: a date to fetch. */
  kind: "person" | "page" | "task";
  /** The NIK, which the ledger keeps only as a keyed hash. */
  code: string | undefined;
  kib: string | undefined;
}

export const subjectOf = (person: PersonRef | undefined): Subject => ({
  kind: person === undefined ? "task" : "person",
  code: person?.code,
  kib: person?.kib,
});
