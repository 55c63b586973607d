import type { Rows } from "./schema.ts";
import type { TraceOutcome } from "./subjects.ts";

/** A trigger may be the command, the timer or any caller of the route. */
export type StartedBy = { how: "trigger" | "nightly" } | { how: "page"; name: string };

export interface RunRecord {
  id: string;
  at: Date;
  dates: readonly string[];
  /** Messages put on the induction queue for it. */
  tasks: number;
  limit?: number;
  kib?: readonly string[];
  by?: StartedBy;
}

/** A run as it stands, in numbers of distinct employees. */
export interface RunView {
  run: string;
  at: string;
  /**
   * `fetching` while dates are left, `working` while employees are, then `done`; `cancelled` by an operator; `lost`
   * where it is not done and no queue holds any of it.
   */
  status: "fetching" | "working" | "done" | "cancelled" | "lost";
  /** Other daemons share the queues or started the run: the numbers are those of this daemon. */
  part: boolean;
  dates: readonly string[];
  /** How many of its dates are done. */
  fetched: { done: number; dead: number; of: number };
  limit?: number;
  kib?: readonly string[];
  /** Missing where another daemon, or an older version, has started it. */
  by?: StartedBy;
  pages: number;
  employees: number;
  /**
   * Employees at their last stage, ended on purpose, dropped by an operator, or whose case is closed since.
   * through + dead + open = employees.
   */
  through: number;
  /** Employees with an open case that holds them up. */
  dead: number;
  /** Employees on their way. */
  open: number;
  stages: Record<string, Partial<Record<TraceOutcome, number>>>;
  warnings: Tally[];
  deadLetters: Tally[];
}

/** A code, how many employees it concerns, and one of the texts. */
export interface Tally {
  code: string;
  count: number;
  text: string;
}

/** Newest first. */
export function runsOf(rows: Rows, count = 50): RunView[] {
  return rows<RunRow>("select * from runs order by at desc limit ?", count).map((run) => viewOf(rows, run));
}

export function runOf(rows: Rows, id: string): RunView | undefined {
  const [run] = rows<RunRow>("select * from runs where id = ?", id);
  return run && viewOf(rows, run);
}

function viewOf(rows: Rows, run: RunRow): RunView {
  const tallies = rows<TallyRow>("select kind, stage, outcome, n, text from tallies where run = ? and n > 0", run.no);
  const stages: RunView["stages"] = {};
  for (const { kind, stage, outcome, n } of tallies) {
    if (kind === "person" && stage !== "") stages[stage] = { ...stages[stage], [outcome]: n };
  }
  const dates = JSON.parse(run.dates) as string[];
  // One message for each date; with a limit, which spans all dates, one message for all of them.
  const perTask = run.people_limit === null ? 1 : dates.length;
  const sum = (of: (tally: TallyRow) => boolean) => tallies.filter(of).reduce((all, { n }) => all + n, 0);
  // n.b. Messages of other stages may hold no employee either; only those of induction are dates.
  const datesThat = (...outcomes: TallyRow["outcome"][]) =>
    perTask * sum(({ kind, stage, outcome }) => kind === "task" && stage === "induction" && outcomes.includes(outcome));
  const all = (of: "person" | "page", what: TallyRow["outcome"]) =>
    sum(({ kind, stage, outcome }) => kind === of && stage === "" && outcome === what);
  const employees = all("person", "items");
  const [{ dead } = { dead: 0 }] = rows<{ dead: number }>(deadPeopleQuery, run.no);
  const through = all("person", "over") - dead;
  const open = employees - through - dead;
  const fetched = {
    done: datesThat("done", "ended"),
    dead: datesThat("dead", "dropped"),
    of: run.tasks * perTask,
  };
  const working = fetched.done + fetched.dead < fetched.of ? "fetching" : open > 0 ? "working" : "done";
  const status = working !== "done" && run.closed === "lost" ? "lost" : working;
  const warnings = [
    ...tallies.flatMap(({ kind, stage, n, text }) => (kind === "warning" ? [{ code: stage, count: n, text }] : [])),
    ...rows<{ code: string; count: number; text: string }>(awaitedQuery, run.id),
  ];
  return {
    run: run.id,
    at: run.at,
    status: run.cancelled === null ? status : "cancelled",
    part: run.part === 1,
    dates,
    fetched,
    ...(run.people_limit === null ? {} : { limit: run.people_limit }),
    ...(run.kib === null ? {} : { kib: JSON.parse(run.kib) as string[] }),
    ...(run.started_by === null ? {} : { by: JSON.parse(run.started_by) as StartedBy }),
    pages: all("page", "items"),
    employees,
    through,
    dead,
    open,
    stages,
    warnings: [...Map.groupBy(warnings, ({ code }) => code)]
      .map(([code, same]) => {
        const count = same.reduce((all, one) => all + one.count, 0);
        return { code, count, text: same[0]?.text ?? "" };
      })
      .sort(mostFirst),
    deadLetters: rows(deadQuery, run.no),
  };
}

/** A dead stage whose case is closed: the record has passed since, or an operator has dealt with it. */
const isClosed = "exists (select 1 from cases c where c.id = case_id and c.closed is not null)";

/** Those that are dead now; a replayed one that succeeded is not counted. A dead page is counted by its employees. */
const deadQuery = `select code, count(*) count, min(text) text from stuck
  where run = ? and kind <> 'page' and not ${isClosed} group by code order by 2 desc, 1`;
const deadPeopleQuery = `select count(distinct item) dead from stuck where run = ? and kind = 'person' and not ${isClosed}`;

/** What somebody lacks and is tried again, as long as that is so. */
const awaitedQuery = `select code, count(*) count, min(text) text from cases where closed is null and awaited and last_run = ?
  group by code`;

const mostFirst = (a: Tally, b: Tally) => b.count - a.count || (a.code < b.code ? -1 : 1);

interface TallyRow {
  kind: string;
  /** Of a warning its code; of a whole message "". */
  stage: string;
  outcome: TraceOutcome | "items" | "over";
  n: number;
  text: string | null;
}

interface RunRow {
  no: number;
  id: string;
  at: string;
  dates: string;
  tasks: number;
  people_limit: number | null;
  kib: string | null;
  started_by: string | null;
  cancelled: string | null;
  closed: string | null;
  part: number;
}
