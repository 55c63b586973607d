import type { RecordOrder } from "../../people/types.ts";

export interface CaseRow {
  id: string;
  record: string;
  person: string | null;
  name: string | null;
  kib: string | null;
  stage: string;
  code: string;
  kind: "dead letter" | "warning";
  inducted: string | null;
  repeat: number;
  fetched: string | null;
  closed: string | null;
  last_run: string | null;
}

/** What opens a case, or is counted on it. */
export type Problem = Pick<CaseRow, "stage" | "code"> & { text: string; at: string; run: string | undefined };
export type Subject = Pick<CaseRow, "record" | "person" | "name" | "kib" | "inducted" | "repeat" | "fetched">;

/** Keyed hashes. */
export interface Marks {
  record: string;
  name: string;
}

/** Why a case is closed. */
export type Closed =
  | "passed"
  | "later record passed"
  | "no longer at Eposh"
  | "no longer so"
  | "failed elsewhere"
  | "its dead letter was taken"
  | "decided"
  | "cancelled"
  | "dropped";

export const orderOf = ({
  inducted,
  repeat,
  fetched,
}: Pick<CaseRow, "inducted" | "repeat" | "fetched">): RecordOrder => ({
  inducted: inducted ?? undefined,
  repeat,
  fetchedAt: fetched === null ? undefined : new Date(fetched),
});
