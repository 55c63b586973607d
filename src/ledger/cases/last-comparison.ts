import type { Ledger } from "../ledger.ts";

/** How many employees a comparison of the whole site looked at, and what it found. */
export interface ComparisonCounts {
  employees: number;
  differing: number;
  /** Of the differing ones: what is missing can be fetched again. */
  fixable: number;
  /** Members of privilege groups whose access no record explains. */
  unmatched: number;
  /** Persons whose access could not be checked. */
  unchecked: number;
}

export interface ComparisonNote extends ComparisonCounts {
  at: string;
  /** Why it ended early; its counts mean nothing then. */
  trouble: string | null;
}

export function noteComparison({ rows }: Pick<Ledger, "rows">, note: ComparisonNote): void {
  const { at, employees, differing, fixable, unmatched, unchecked, trouble } = note;
  rows(
    "insert into comparisons values (?, ?, ?, ?, ?, ?, ?)",
    at,
    employees,
    differing,
    fixable,
    unmatched,
    unchecked,
    trouble,
  );
}

export const lastComparison = ({ rows }: Pick<Ledger, "rows">): ComparisonNote | undefined =>
  rows<ComparisonNote>("select * from comparisons order by rowid desc limit 1")[0];
