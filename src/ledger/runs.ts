import { setImmediate as nextTurn } from "node:timers/promises";
import type { Rows } from "./schema.ts";
import type { TraceOutcome } from "./subjects.ts";

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

/** Newest first. `leaves` are the stages after which an employee is through. */
export async function runsOf(rows: Rows, leaves: readonly string[], count = 50): Promise<RunView[]> {
  const views: RunView[] = [];
  for (const { id } of rows<{ id: string }>("select id from runs order by at desc limit ?", count)) {
    const view = runOf(rows, id, leaves);
    if (view) views.push(view);
    // Counting a large run takes milliseconds: other requests are answered between two runs.
    await nextTurn();
  }
  return views;
}

export function runOf(rows: Rows, id: string, leaves: readonly string[]): RunView | undefined {
  const [run] = rows<RunRow>("select * from runs where id = ?", id);
  if (run === undefined) return undefined;
  const counts = rows<{ kind: string; stage: string; outcome: TraceOutcome; n: number }>(
    "select kind, stage, outcome, count(*) n from steps where run = ? group by 1, 2, 3",
    id,
  );
  const stages: RunView["stages"] = {};
  for (const { kind, stage, outcome, n } of counts) {
    if (kind === "person") stages[stage] = { ...stages[stage], [outcome]: n };
  }
  const dates = JSON.parse(run.dates) as string[];
  // One message for each date; with a limit, which spans all dates, one message for all of them.
  const perTask = run.people_limit === null ? 1 : dates.length;
  // n.b. Messages of other stages may hold no employee either; only those of induction are dates.
  const datesThat = (...outcomes: TraceOutcome[]) =>
    counts
      .filter(({ kind, stage, outcome }) => kind === "task" && stage === "induction" && outcomes.includes(outcome))
      .reduce((sum, { n }) => sum + n * perTask, 0);
  const [people] = rows<{ employees: number; through: number; dead: number }>(throughQuery(leaves), id);
  const { employees = 0, through = 0, dead = 0 } = people ?? {};
  const open = employees - through - dead;
  const fetched = {
    done: datesThat("done", "ended"),
    dead: datesThat("dead", "dropped"),
    of: run.tasks * perTask,
  };
  const working = fetched.done + fetched.dead < fetched.of ? "fetching" : open > 0 ? "working" : "done";
  const status = working !== "done" && run.closed === "lost" ? "lost" : working;
  return {
    run: run.id,
    at: run.at,
    status: run.cancelled === null ? status : "cancelled",
    part: run.part === 1,
    dates,
    fetched,
    ...(run.people_limit === null ? {} : { limit: run.people_limit }),
    ...(run.kib === null ? {} : { kib: JSON.parse(run.kib) as string[] }),
    pages:
      rows<{ n: number }>("select count(distinct item) n from steps where run = ? and kind = 'page'", id)[0]?.n ?? 0,
    employees,
    through,
    dead,
    open,
    stages,
    warnings: rows(warningsQuery, id),
    deadLetters: rows(deadQuery, id),
  };
}

const warningsQuery = `select code, count(distinct coalesce(person, kib, id)) count, min(text) text from events
  where run = ? and outcome = 'warning' group by code order by 2 desc, 1`;

/** A dead step whose case is closed: the record has passed since, or an operator has dealt with it. */
const isClosed = "exists (select 1 from cases c where c.id = case_id and c.closed is not null)";

/** Those that are dead now; a replayed one that succeeded is not counted. A dead page is counted by its employees. */
const deadQuery = `select code, count(*) count, min(text) text from steps
  where run = ? and outcome = 'dead' and kind <> 'page' and not ${isClosed} group by code order by 2 desc, 1`;

interface RunRow {
  id: string;
  at: string;
  dates: string;
  tasks: number;
  people_limit: number | null;
  kib: string | null;
  cancelled: string | null;
  closed: string | null;
  part: number;
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name.replaceAll("'", "''")}'`).join(", ");

const throughQuery = (leaves: readonly string[]) => `
  select count(*) employees, coalesce(sum(not dead and (finished or ended)), 0) through, coalesce(sum(dead), 0) dead from (
    select sum(outcome = 'done' and stage in (${quoted(leaves)})) >= ${leaves.length} finished,
      max(outcome in ('ended', 'dropped') or (outcome = 'dead' and ${isClosed})) ended,
      max(outcome = 'dead' and not ${isClosed}) dead
    from steps where run = ? and kind = 'person' group by item)`;
