import type { Ledger } from "../ledger/ledger.ts";
import { conflictOf } from "../ledger/person-memory.ts";
import type { Mask } from "../observability/mask.ts";
import type { Decision } from "../people/types.ts";

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
}

type Row = Omit<CaseView, "closed" | "name" | "decision"> & {
  record: string;
  pair: string | null;
  letterName: string | null;
  closed: string | null;
  why: string | null;
};

const query = `select c.id, c.kind, c.stage, c.code, c.text, c.kib, c.inducted, c.first, c.last, c.runs, c.last_run run,
    c.record, c.closed, c.why, (select count(*) from dead_letters d where d.case_id = c.id) letters,
    (select name from dead_letters d where d.case_id = c.id and name is not null limit 1) letterName,
    (select value from refused r where r.person = c.person and r.what = '${conflictOf("")}' || c.record) pair
  from cases c where (?1 is null or stage = ?1) and (?2 is null or code = ?2)
    and (?3 is null or last_run = ?3 or exists (select 1 from stuck s join runs r on r.no = s.run where r.id = ?3 and s.case_id = c.id))
    and (?4 is not null or closed is null)
    and (?4 is null or exists (select 1 from json_each(?4) where substr(c.id, 1, length(value)) = value))
  order by c.first, c.id`;

/** The oldest first. */
export function casesOf(
  { rows, cases, decisions }: Pick<Ledger, "rows" | "cases" | "decisions">,
  { ids, stage, code, run }: CaseFilter,
  mask: Mask,
): CaseView[] {
  const wanted = [stage ?? null, code ?? null, run ?? null, ids ? JSON.stringify(ids) : null];
  return rows<Row>(query, ...wanted).map(({ record, pair, letterName, closed, why, ...row }) => {
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

export interface Group extends Pick<CaseView, "stage" | "code" | "kind" | "text" | "first" | "last" | "decision"> {
  count: number;
  /** Of the first few. */
  ids: string[];
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
    .sort((a, b) => b.count - a.count);
}

/** Code → how many cases are open. */
export const openCases = ({ rows }: Pick<Ledger, "rows">): ReadonlyMap<string, number> =>
  new Map(
    rows<{ code: string; n: number }>("select code, count(*) n from cases where closed is null group by code").map(
      ({ code, n }) => [code, n],
    ),
  );
