import type { Database } from "bun:sqlite";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { giveBack } from "../../util/files/shrink.ts";
import type { Value } from "../schema.ts";

/** Tables whose rows have the time `at` and are kept `state.keep_days`. */
const keptTables =
  "links faces sources held fetches refused kibs grants met unchanged overwrites audit comparisons".split(" ");
/** After so long a closed run is its numbers, and those of its employees who simply went through are no rows any more. */
const foldAfterMs = 7 * 86_400_000;
const dayMs = 86_400_000;
/** Rows at a time: others are answered in between, and wait for some milliseconds. */
const batch = 250;
/** Unused pages that go back to the file system at a time, and the share of the file that is kept for what comes. */
const [pagesBack, keptShare] = [50, 0.2];
/** A start, which comes before it, is over by then. */
const startMs = 1_000;
/** Of each the other rows of the same person are looked at. */
const foldBatch = 50;

interface Tidying {
  db: Database;
  now: Date;
  keepDays: number;
  /** Part of a transaction of its own. */
  run: (work: () => void) => void;
  isEnded: () => boolean;
  /** Of cases that were closed before that. */
  purge: (oldest: string) => void;
}

/** Forgets what is older than `keepDays`, and folds the runs that were closed long ago. It ends at a failure. */
export async function tidy(tidying: Tidying): Promise<void> {
  const all = steps(tidying);
  await sleep(startMs, undefined, { ref: false });
  for (let isOver = false; !isOver && !tidying.isEnded(); await nextTurn())
    tidying.run(() => {
      isOver = true;
      const { value, done = false } = all.next();
      value?.();
      isOver = done;
    });
}

function* steps({ db, now, keepDays, purge }: Tidying): Generator<() => void> {
  const oldestMs = now.getTime() - keepDays * dayMs;
  const oldest = new Date(oldestMs).toISOString();
  const run = (sql: string, ...values: Value[]) => db.query(sql).run(...values).changes;
  const all = <Row>(sql: string, ...values: Value[]) => db.query<Row, Value[]>(sql).all(...values);
  /** Along its primary key, because none of them is sorted by time. */
  function* forget(table: string, time: string): Generator<() => void> {
    const found = all<{ name: string }>("select name from pragma_table_info(?) where pk > 0 order by pk", table);
    const names = found.length > 0 ? found.map(({ name }) => name) : ["rowid"];
    const [key, marks] = [`(${names.join()})`, `(${names.map(() => "?").join()})`];
    const next = (after: string) => `select ${names.join()} from ${table} ${after} order by ${names.join()}`;
    for (let from: Value[] = [], isOver = false; !isOver; )
      yield () => {
        const after = from.length > 0 ? `where ${key} > ${marks}` : "";
        const [last] = all<Record<string, Value>>(`${next(after)} limit 1 offset ${batch - 1}`, ...from);
        const until = last && names.map((name) => last[name] ?? null);
        const part = `${after || "where true"} ${until ? `and ${key} <= ${marks}` : ""}`;
        run(`delete from ${table} ${part} and ${time} < ?`, ...from, ...(until ?? []), oldest);
        from = until ?? [];
        isOver = until === undefined;
      };
  }
  for (const table of keptTables) yield* forget(table, "at");
  yield* forget("passed", "fetched");

  let changed = batch;
  // n.b. They are in the order of time, by and large.
  const events = `delete from events where id in (select id from (select id, at from events order by id limit ${batch})
    where at < ?)`;
  for (; changed === batch; ) yield () => (changed = run(events, oldest));

  const former = all<{ no: number }>("select no from runs where at < ?", oldest);
  for (const { no, before } of [...former.map(({ no }) => ({ no, before: null })), { no: 0, before: oldestMs }]) {
    const items = `delete from items where (run, item) in
      (select run, item from items where run = ? and (?2 is null or at < ?2) limit ${batch})`;
    for (changed = batch; changed === batch; ) yield () => (changed = run(items, no, before));
    const others = "not exists (select 1 from items i where i.run = ?1)";
    yield () => {
      for (const table of ["stuck", "tallies"]) run(`delete from ${table} where run = ?1 and ${others}`, no);
      run("delete from runs where no = ?", no);
    };
  }

  yield () => purge(oldest);

  const closed = "select no from runs where folded = 0 and at < ? and (closed is not null or part = 1)";
  for (const { no } of all<{ no: number }>(closed, new Date(now.getTime() - foldAfterMs).toISOString())) {
    for (let last: string | undefined = ""; last !== undefined; ) {
      const from: string = last;
      yield () => {
        const next = all<{ item: string }>(
          `select item from items where run = ? and item > ? order by item limit ${foldBatch}`,
          ...[no, from],
        );
        last = next.at(-1)?.item;
        if (last !== undefined) run(fold, no, from, last);
      };
    }
    yield () => run("update runs set folded = 1 where no = ?", no);
  }

  // What is free is used again; where it is much, the file shrinks.
  for (let isMuch = true; isMuch; ) yield () => (isMuch = giveBack(db, pagesBack, keptShare));
}

/** Of everybody the newest row stays: it says where they are. */
const fold = `delete from items where run = ?1 and item > ?2 and item <= ?3 and odd is null and kind <> 'follow'
  and (kind <> 'person' or over) and (person is null or exists
    (select 1 from items later where later.person = items.person and later.at > items.at))`;
