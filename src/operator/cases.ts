import type { Ledger } from "../ledger/ledger.ts";
import { conflictOf } from "../ledger/person-memory.ts";
import type { Mask } from "../observability/mask.ts";
import type { Decision } from "../people/types.ts";
import { inParts } from "../util/turns/in-parts.ts";

/** One open problem of one record. */
export interface CaseView {
  id: string;
  /** Whether its employee is held up, or only lacks something. */
  kind: "dead letter" | "warning";
  stage: string;
  code: string;
  text: string;
  /** The employee's, where a dead letter has it or the record was in hand lately. */
  name?: string;
  kib?: string;
  /** The induction date. */
  inducted?: string;
  first: string;
  last: string;
  /** How many runs met it. */
  runs: number;
  /** Of the newest one. */
  run?: string;
  /** Dead letters of it: none while it is tried again. */
  letters: number;
  /** What an operator decided of an identity conflict. */
  decision?: Decision;
  /** Why it is no longer open, and since when. */
  closed?: { at: string; why: string };
}

/** Without any of these, all that are open. */
export interface CaseFilter {
  /** Or how they begin; closed ones too. */
  ids?: readonly string[] | undefined;
  stage?: string | undefined;
  code?: string | undefined;
  run?: string | undefined;
  kind?: CaseView["kind"] | undefined;
}

type Row = Omit<CaseView, "closed" | "name" | "decision"> & {
  record: string;
  pair: string | null;
  letterName: string | null;
  closed: string | null;
  why: string | null;
};

const meant = `(?1 is null or c.stage = ?1) and (?2 is null or c.code = ?2) and (?5 is null or c.kind = ?5)
    and (?3 is null or c.last_run = ?3 or exists (select 1 from stuck s join runs r on r.no = s.run where r.id = ?3 and s.case_id = c.id))
    and (?4 is not null or c.closed is null)
    and (?4 is null or exists (select 1 from json_each(?4) where substr(c.id, 1, length(value)) = value))`;
const ids = `select c.id from cases c where ${meant} order by c.first, c.id limit ?6`;
const causes = `select c.kind, c.stage, c.code, count(*) count, min(c.first) first, max(c.last) last from cases c
  where ${meant} group by c.kind, c.stage, c.code order by 4 desc`;
const details = `select c.id, c.kind, c.stage, c.code, c.text, c.kib, c.inducted, c.first, c.last, c.runs, c.last_run run,
    c.record, c.closed, c.why, (select count(*) from dead_letters d where d.case_id = c.id) letters,
    (select name from dead_letters d where d.case_id = c.id and name is not null limit 1) letterName,
    (select value from refused r where r.person = c.person and r.what = '${conflictOf("")}' || c.record) pair
  from json_each(?1) one cross join cases c on c.id = one.value order by one.key`;

type LedgerOfCases = Pick<Ledger, "rows" | "cases" | "decisions">;

const valuesOf = ({ stage, code, run, ids, kind }: CaseFilter) =>
  [stage ?? null, code ?? null, run ?? null, ids ? JSON.stringify(ids) : null, kind ?? null] as const;

/** n.b. In SQLite a negative limit is none. */
const idsOf = ({ rows }: LedgerOfCases, filter: CaseFilter, limit = -1): string[] =>
  rows<{ id: string }>(ids, ...valuesOf(filter), limit).map(({ id }) => id);

/** The oldest first. For a few: all that are open may be thousands. */
export const casesOf = (ledger: LedgerOfCases, filter: CaseFilter, mask: Mask, limit?: number): CaseView[] =>
  withDetails(ledger, idsOf(ledger, filter, limit), mask);

/** The same for any number of them. */
export async function allCasesOf(ledger: LedgerOfCases, filter: CaseFilter, mask: Mask): Promise<CaseView[]> {
  const all: CaseView[] = [];
  for await (const some of inParts(idsOf(ledger, filter))) all.push(...withDetails(ledger, some, mask));
  return all;
}

function withDetails({ rows, cases, decisions }: LedgerOfCases, ids: readonly string[], mask: Mask): CaseView[] {
  return rows<Row>(details, JSON.stringify(ids)).map(({ record, pair, letterName, closed, why, ...row }) => {
    const name = letterName ?? cases.nameOf(record);
    const decision = row.code === "identity_conflict" && pair !== null ? decisions.of(pair) : undefined;
    const known = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
    return {
      ...(known as unknown as typeof row),
      ...(name !== undefined && { name: mask(name).slice(0, 100) }),
      ...(decision !== undefined && { decision }),
      ...(closed !== null && { closed: { at: closed, why: why ?? "" } }),
    };
  });
}

/** A cause of open cases. */
export type Cause = Pick<CaseView, "stage" | "code" | "kind" | "first" | "last"> & { count: number };

/** The most frequent first, counted by the database. */
export const causesOf = ({ rows }: Pick<Ledger, "rows">, filter: CaseFilter = {}): Cause[] =>
  rows<Cause>(causes, ...valuesOf(filter));

/** By stage, code and decision, the most frequent first, each with at most so many of its cases. */
export async function firstOfEach(
  ledger: LedgerOfCases,
  filter: CaseFilter,
  mask: Mask,
  shown = maxIds,
): Promise<Group[]> {
  const groups: Group[] = [];
  for await (const [cause] of inParts(causesOf(ledger, filter), 1)) {
    if (cause === undefined) continue;
    const { stage, code, kind, count } = cause;
    const of = { ...filter, stage, code, kind };
    // Those that were decided are groups of their own.
    const isDecided = code === "identity_conflict";
    const cases = isDecided ? await allCasesOf(ledger, of, mask) : casesOf(ledger, of, mask, shown);
    for (const group of groupsOf(cases))
      groups.push({
        ...group,
        ...(!isDecided && { count, last: cause.last }),
        cases: group.cases.slice(0, shown),
      });
  }
  return groups.sort(mostFirst);
}

export interface Group extends Pick<CaseView, "stage" | "code" | "kind" | "text" | "first" | "last" | "decision"> {
  count: number;
  /** Of the first few. */
  ids: string[];
  /** All of them, or the first ones. */
  cases: CaseView[];
}

const maxIds = 20;

/** By stage, code and decision, the most frequent first. */
export function groupsOf(cases: readonly CaseView[]): Group[] {
  const groups = Map.groupBy(cases, ({ stage, code, decision }) => `${stage} ${code} ${decision}`);
  return [...groups.values()]
    .flatMap((same): Group[] => {
      const [oldest] = same;
      if (oldest === undefined) return [];
      const { stage, code, kind, text, first, decision } = oldest;
      const last =
        same
          .map((one) => one.last)
          .sort()
          .at(-1) ?? first;
      return [
        {
          ...(decision !== undefined && { decision }),
          stage,
          code,
          kind,
          text,
          first,
          last,
          count: same.length,
          ids: same.slice(0, maxIds).map(({ id }) => id),
          cases: same,
        },
      ];
    })
    .sort(mostFirst);
}

const mostFirst = (a: Group, b: Group) => b.count - a.count;

export interface CaseList {
  /** Open cases that hold up their employees. */
  total: number;
  groups: Group[];
  /** Of employees who only lack something. */
  warnings: Group[];
  /** Why the list may not be all that there is. */
  note?: string;
}

/** With all cases. */
export async function listOf(ledger: LedgerOfCases, filter: CaseFilter, mask: Mask): Promise<CaseList> {
  const open = await allCasesOf(ledger, filter, mask);
  const letters = open.filter(({ kind }) => kind === "dead letter");
  const warnings = groupsOf(open.filter(({ kind }) => kind === "warning"));
  return { total: letters.length, groups: groupsOf(letters), warnings };
}

/** With a few cases of each cause. */
export async function summaryOf(ledger: LedgerOfCases, mask: Mask): Promise<CaseList> {
  const groups = await firstOfEach(ledger, { kind: "dead letter" }, mask);
  const warnings = await firstOfEach(ledger, { kind: "warning" }, mask);
  return { total: groups.reduce((sum, { count }) => sum + count, 0), groups, warnings };
}

/** Code → how many cases are open. */
export const openCases = ({ rows }: Pick<Ledger, "rows">): ReadonlyMap<string, number> =>
  new Map(
    rows<{ code: string; n: number }>("select code, count(*) n from cases where closed is null group by code").map(
      ({ code, n }) => [code, n],
    ),
  );
