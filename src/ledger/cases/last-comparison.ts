import type { Ledger } from "../ledger.ts";

/** How many employees a comparison of the whole site looked at, and what it found. */
export interface ComparisonCounts {
  employees: number;
  differing: number;
  /** Of the differing ones: what is missing can be fetched again. */
  fixable: number;
  /** Members of privilege groups whose access no record explains. */
  unmatched: number;
  /** KIB numbers that two persons have who are no employees of the compared dates. */
  twins: number;
  /** Persons whose access could not be checked. */
  unchecked: number;
}

export interface ComparisonNote extends ComparisonCounts {
  at: string;
  /** Why it ended early; its counts mean nothing then. */
  trouble: string | null;
  /** The first and the last induction date of an operator's `verify`; null for the nightly one, of the whole site. */
  dates: readonly [from: string, to: string] | null;
  /** Whether what can be fixed was fetched again. */
  isFixed: boolean;
}

export function noteComparison({ rows }: Pick<Ledger, "rows">, note: ComparisonNote): void {
  const { at, employees, differing, fixable, unmatched, twins, unchecked, trouble, dates, isFixed } = note;
  rows(
    "insert into comparisons values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    at,
    employees,
    differing,
    fixable,
    unmatched,
    unchecked,
    trouble,
    dates && JSON.stringify(dates),
    Number(isFixed),
    twins,
  );
}

/** The last nightly one, and an operator's later one, in this order. */
export function lastComparisons({ rows }: Pick<Ledger, "rows">): ComparisonNote[] {
  type Row = Omit<ComparisonNote, "dates" | "isFixed"> & { dates: string | null; fixed: number };
  const nightly = "select max(rowid) from comparisons where dates is null";
  const last = "select max(rowid) from comparisons";
  const found = rows<Row>(`select * from comparisons where rowid in ((${nightly}), (${last})) order by rowid`);
  return found.map(({ dates, fixed, ...note }) => ({
    ...note,
    dates: dates === null ? null : (JSON.parse(dates) as [string, string]),
    isFixed: fixed === 1,
  }));
}
