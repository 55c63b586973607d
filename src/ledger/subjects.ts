import type { PersonRef } from "../people/types.ts";

/** "follow" is work on a person that no run waits for; "task" is what has no employee in it: a date to fetch. */
export type SubjectKind = "person" | "follow" | "page" | "task";

/** What a message is about. */
export interface Subject {
  kind: SubjectKind;
  /** The NIK, which the ledger keeps only as a keyed hash. */
  code: string | undefined;
  kib: string | undefined;
}

export const subjectOf = (person: PersonRef | undefined): Subject => ({
  kind: person === undefined ? "task" : "person",
  code: person?.code,
  kib: person?.kib,
});
