import type { Database } from "bun:sqlite";
import type { Value } from "../schema.ts";
import type { Entry, TraceOutcome } from "../subjects.ts";
import { addPass, passesOf } from "./path.ts";
import { Words } from "./words.ts";

interface ItemRow {
  run: number;
  item: string;
  path: string;
  /** Stage → outcome, of those where it did not simply pass. */
  odd: string | null;
  over: number;
  at: number;
}

type Outcomes = ReadonlyMap<string, TraceOutcome>;

/** Whose entry it is, as the ledger knows it. */
export interface Marked {
  /** Its number, 0 for what has no run. */
  run: number;
  item: string;
  person: string | null;
}

interface Tally {
  key: readonly [run: number, kind: string, stage: string, outcome: string];
  count: number;
  text: string | null;
}

/** Whose employees are not held up where it says so, whatever comes after it. */
const ends: ReadonlySet<TraceOutcome> = new Set(["ended", "dropped", "dead"]);
const maxSeenRuns = 1_000;

/**
 * One row for each message of a run, in which the stages that it simply passed cost a few bytes, and the numbers of
 * each run, which move as things happen: nothing is counted again to be shown. It is written in the transactions of the
 * ledger.
 */
export class Items {
  /** The stages after which an employee is through. */
  leaves: readonly string[] = [];
  readonly words: Words;
  readonly #numbers = new Map<string, { no: number; isPartial: boolean }>();
  /** Of the transaction that is open. */
  #tallies = new Map<string, Tally>();

  constructor(
    readonly db: Database,
    readonly sharedStages: ReadonlySet<string>,
  ) {
    this.words = new Words(db);
  }

  /** The number of a run. One that started elsewhere, or whose queues have other consumers, is seen here only in part. */
  numberOf(run: string | undefined, at: string): number {
    if (run === undefined) return 0;
    const isPartial = this.sharedStages.size > 0;
    const known = this.#numbers.get(run);
    if (known && (known.isPartial || !isPartial)) return known.no;
    const note = `insert into runs (id, at, dates, tasks, part) values (?1, ?2, '[]', 0, 1)
      on conflict do update set part = max(part, ?3) returning no`;
    const { no } = this.#get<{ no: number }>(note, run, at, Number(isPartial)) as { no: number };
    if (this.#numbers.size >= maxSeenRuns) this.#numbers.clear();
    this.#numbers.set(run, { no, isPartial });
    return no;
  }

  /** Whether that says all there is to say of it, and it needs no event of its own. */
  note(entry: Entry, { run, item, person }: Marked): boolean {
    const { kind, stage, outcome, kib = null } = entry;
    if (outcome === "warning") {
      this.#noteWarning(entry, run, person);
      return false;
    }
    const before = this.#find(run, item);
    const was = before && this.#outcomesIn(before);
    const at = before?.at ?? entry.at.getTime();
    const pass = this.#passOf(entry, at);
    const path = pass ? addPass(before?.path ?? "", pass) : (before?.path ?? "");
    const odd: Record<string, TraceOutcome> = before?.odd ? JSON.parse(before.odd) : {};
    if (pass) delete odd[stage];
    else odd[stage] = outcome;
    const oddText = Object.keys(odd).length === 0 ? null : JSON.stringify(odd);
    const over = Number(kind === "person" && this.#isOver(new Map(was).set(stage, outcome)));
    this.#run(
      `insert into items (run, item, kind, person, kib, at, path, odd, over) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
        on conflict do update set person = coalesce(excluded.person, person), kib = coalesce(excluded.kib, kib),
          path = excluded.path, odd = excluded.odd, over = excluded.over`,
      ...[run, item, kind, person, kib, at, path, oddText, over],
    );
    if (!before) this.#count([run, kind, "", "items"], 1);
    if (over !== (before?.over ?? 0)) this.#count([run, kind, "", "over"], over ? 1 : -1);
    this.#moveStage(entry, run, item, was?.get(stage));
    return pass !== undefined;
  }

  /** A warning about somebody who has passed already. */
  warn(
    { run, person, kib, at }: { run: string | undefined; person: string; kib: string | null; at: string },
    { stage, code, text }: { stage: string; code: string; text: string },
  ): void {
    this.#noteWarning({ kib: kib ?? undefined, failure: { code, text } }, this.numberOf(run, at), person);
    this.#run(
      `insert into events (at, run, person, kib, kind, stage, outcome, attempt, code, text)
        values (?, ?, ?, ?, 'person', ?, 'warning', 0, ?, ?)`,
      ...[at, run ?? null, person, kib, stage, code, text],
    );
  }

  /** Of a dead letter. */
  setCase({ stage }: Entry, { run, item }: Marked, caseId: string): void {
    this.#run("update stuck set case_id = ? where run = ? and item = ? and stage = ?", caseId, run, item, stage);
  }

  /** Whether it is done with, or ended at, the last stages. */
  isThrough({ run, item }: Pick<Marked, "run" | "item">): boolean {
    const row = this.#find(run, item);
    const outcomes = row && this.#outcomesIn(row);
    return this.leaves.every((leaf) => ["done", "ended"].includes(outcomes?.get(leaf) ?? ""));
  }

  /** To be called at the end of each transaction. */
  writeTallies(): void {
    const add = `insert into tallies (run, kind, stage, outcome, n, text) values (?, ?, ?, ?, ?, ?)
      on conflict do update set n = n + excluded.n, text = coalesce(min(text, excluded.text), text, excluded.text)`;
    for (const { key, count, text } of this.#tallies.values()) if (count !== 0) this.#run(add, ...key, count, text);
    this.#tallies.clear();
  }

  /** After a transaction that failed, and where runs were begun or forgotten. */
  forget(): void {
    this.#tallies.clear();
    this.#numbers.clear();
    this.words.forget();
  }

  /** Counts anew who is through, of runs that are open or of all: other stages are the last ones now. */
  recount(which: "open" | "all"): void {
    const find = `select i.run, item, path, odd, over, i.at from items i left join runs r on r.no = i.run
      where kind = 'person' and (? or r.closed is null)`;
    for (const row of this.db.query<ItemRow, Value[]>(find).all(Number(which === "all"))) {
      const over = Number(this.#isOver(this.#outcomesIn(row)));
      if (over === row.over) continue;
      this.#run("update items set over = ? where run = ? and item = ?", over, row.run, row.item);
      this.#count([row.run, "person", "", "over"], over ? 1 : -1);
    }
  }

  #find(run: number, item: string): ItemRow | undefined {
    return this.#get<ItemRow>("select run, item, path, odd, over, at from items where run = ? and item = ?", run, item);
  }

  #outcomesIn({ path, odd }: Pick<ItemRow, "path" | "odd">): Map<string, TraceOutcome> {
    const passed = passesOf(path).map(({ stage, why }): [string, TraceOutcome] => [
      this.words.textOf(stage),
      why === undefined ? "done" : "ended",
    ]);
    const others = odd === null ? [] : Object.entries(JSON.parse(odd) as Record<string, TraceOutcome>);
    return new Map([...passed, ...others]);
  }

  #isOver(outcomes: Outcomes): boolean {
    const isFinished = this.leaves.length > 0 && this.leaves.every((leaf) => outcomes.get(leaf) === "done");
    return isFinished || outcomes.values().some((outcome) => ends.has(outcome));
  }

  /** Undefined where there is more to say than when, and why it ended. What follows is told by its events. */
  #passOf({ kind, stage, outcome, attempt, at, failure }: Entry, firstMs: number) {
    if (kind === "follow" || attempt > 0 || (outcome !== "done" && outcome !== "ended")) return undefined;
    const why = failure && this.words.reason(failure.text);
    if ((outcome === "ended") !== (why !== undefined)) return undefined;
    return { stage: this.words.idOf(stage), afterMs: at.getTime() - firstMs, why };
  }

  #moveStage({ kind, stage, outcome, failure }: Entry, run: number, item: string, was: TraceOutcome | undefined): void {
    if (was !== outcome) {
      if (was) this.#count([run, kind, stage, was], -1);
      this.#count([run, kind, stage, outcome], 1);
    }
    if (outcome === "dead")
      this.#run(
        "insert or replace into stuck (run, item, stage, kind, code, text) values (?, ?, ?, ?, ?, ?)",
        ...[run, item, stage, kind, failure?.code ?? null, failure?.text ?? null],
      );
    else if (was === "dead") this.#run("delete from stuck where run = ? and item = ? and stage = ?", run, item, stage);
  }

  /** Once for each employee and code. To be called before its event is written. */
  #noteWarning({ kib, failure }: Pick<Entry, "kib" | "failure">, run: number, person: string | null): void {
    const [code, text] = [failure?.code ?? "", failure?.text ?? null];
    const same = `select 1 from events where outcome = 'warning' and code = ? and run is (select id from runs where no = ?)
      and ${person === null ? "person is null and kib" : "person"} = ?`;
    if (this.#get(same, code, run, person ?? kib ?? null) === undefined)
      this.#count([run, "warning", code, ""], 1, text);
  }

  #count(key: Tally["key"], count: number, text: string | null = null): void {
    const id = JSON.stringify(key);
    const tally = this.#tallies.get(id);
    this.#tallies.set(id, { key, count: (tally?.count ?? 0) + count, text: tally?.text ?? text });
  }

  #get<Row>(sql: string, ...values: Value[]): Row | undefined {
    return this.db.query<Row, Value[]>(sql).get(...values) ?? undefined;
  }

  #run(sql: string, ...values: Value[]): void {
    this.db.query(sql).run(...values);
  }
}
