import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { textOf } from "../errors.ts";
import { isOlder } from "../people/record-order.ts";
import type { RecordOrder } from "../people/types.ts";
import { plausible } from "../util/plausible.ts";
import { Cases } from "./cases/cases.ts";
import { Decisions } from "./cases/decisions.ts";
import { DeadLetterIndex } from "./dead-letter-index.ts";
import { isPassing, keyIn, openOrMoveAside, type Rows, type Value } from "./schema.ts";
import type { Entry } from "./subjects.ts";
import { noteProgress } from "./unchanged.ts";

export interface RunRecord {
  id: string;
  at: Date;
  dates: readonly string[];
  /** Messages put on the induction queue for it. */
  tasks: number;
  limit?: number;
  kib?: readonly string[];
}

/** Tables whose rows have the time `at` and are kept `state.keep_days`. */
const keptTables =
  "events steps runs links faces held fetches refused kibs grants met unchanged overwrites audit".split(" ");
const maxUnwritten = 10_000;
const tryAgainMs = 1_000;

export interface LedgerOptions {
  /** The state folder; ledger.db and ledger.key are in it. */
  folder: string;
  keepDays: number;
  say: (text: string) => void;
  now?: () => Date;
}

/**
 * The memory of runs, traces, warnings and hints. HikCentral is the truth about persons and the broker holds the work,
 * so a failure of the ledger is logged once and stops nothing.
 */
export class Ledger implements Disposable {
  readonly #db: Database;
  readonly #key: Buffer;
  readonly #keepDays: number;
  readonly #say: (text: string) => void;
  readonly now: () => Date;
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  #pending: { entries: readonly Entry[]; kept: () => void }[] = [];
  /** Writes that failed for now, e.g. on a full disk. */
  #unwritten: (() => void)[] = [];
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #cancelled: Set<string>;
  /** Runs that are noted already, and those that this daemon sees only in part. */
  readonly cases: Cases;
  readonly decisions: Decisions;
  /** The state folder. */
  readonly folder: string;
  readonly #seenRuns = { whole: new Set<string>(), partial: new Set<string>() };
  /** A mark of those that decide what is written of a record. */
  settings = "";
  /** Stages whose queue has other consumers too. */
  readonly sharedStages = new Set<string>();
  #failing = false;
  #purgedMs = Number.NEGATIVE_INFINITY;

  constructor({ folder, keepDays, say, now = () => new Date() }: LedgerOptions) {
    this.#say = say;
    this.now = now;
    this.#keepDays = keepDays;
    this.#key = keyIn(folder);
    this.#db = openOrMoveAside(join(folder, "ledger.db"), say);
    this.folder = folder;
    this.decisions = new Decisions(folder, say);
    this.cases = new Cases(this.#db, (text) => this.personKey(text));
    this.#purge();
    const cancelled = this.rows<{ id: string }>("select id from runs where cancelled is not null");
    this.#cancelled = new Set(cancelled.map(({ id }) => id));
  }

  /** Resolves once it is stored, or kept for later; entries that arrive together share a transaction. Never rejects. */
  record(...entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#pending.length === 0) setImmediate(() => this.flush());
    this.#pending.push({ entries, kept: resolve });
    return promise;
  }

  flush(): void {
    const pending = this.#pending.splice(0);
    const everything = pending.flatMap(({ entries }) => entries);
    this.#write(...everything.map((entry) => () => this.#keep(entry)));
    for (const { entries, kept } of pending) {
      kept();
      for (const listener of this.#listeners) listener(entries);
    }
  }

  /** Called after each record; returns how to stop listening. */
  onRecord(listener: (entries: readonly Entry[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  openRun({ id, at, dates, tasks, limit, kib }: RunRecord): void {
    const values = [
      id,
      at.toISOString(),
      JSON.stringify(dates),
      tasks,
      limit ?? null,
      kib ? JSON.stringify(kib) : null,
    ];
    const insert = "insert or replace into runs (id, at, dates, tasks, people_limit, kib) values (?, ?, ?, ?, ?, ?)";
    this.#write(() => this.#db.run(insert, values));
    for (const seen of Object.values(this.#seenRuns)) seen.delete(id);
    this.#purge();
  }

  /** From now on the messages of the run end at their next stage. A run that another daemon opened is noted too. */
  cancelRun(id: string): void {
    this.#cancelled.add(id);
    const at = this.now().toISOString();
    const note = `insert into runs (id, at, dates, tasks, cancelled, part) values (?1, ?2, '[]', 0, ?2, 1)
      on conflict do update set cancelled = coalesce(cancelled, ?2)`;
    this.#write(() => this.#db.run(note, [id, at]));
  }

  /** What is open of it in no queue is in no queue any more: its dates are free. */
  closeRun(id: string, how: "done" | "lost"): void {
    this.#write(() => this.#db.run("update runs set closed = ? where id = ?", [how, id]));
  }

  /** What an operator does to cases. */
  write(work: (cases: Cases) => void): void {
    this.#write(() => work(this.cases));
  }

  isCancelled(run: string | undefined): boolean {
    return run !== undefined && this.#cancelled.has(run);
  }

  /** Whether a newer record of this employee has passed this stage: a hint that HikCentral may not give. */
  superseded(stage: string, code: string | undefined, order: RecordOrder): boolean {
    if (code === undefined) return false;
    const person = this.personKey(code);
    const latest = this.#latest(person, stage);
    return latest !== undefined && isOlder(order, latest) && !this.hasLeft(person, latest);
  }

  /** Whether that date was fetched since then, and the record is no longer there. */
  hasLeft(person: string, { inducted, repeat = 0, fetchedAt }: RecordOrder): boolean {
    if (inducted === undefined || fetchedAt === undefined) return false;
    const find = `select 1 from fetches f where date = ?1 and at > ?2 and not exists (select 1 from held h
      where h.date = f.date and h.person = ?3 and h.repeat >= ?4 and (h.run = f.run or h.at > f.at))`;
    const values = [inducted, fetchedAt.toISOString(), person, repeat];
    return this.#try(() => this.#db.query<object, Value[]>(find).get(...values)) != null;
  }

  #latest(person: string, stage: string): RecordOrder | undefined {
    const find = "select fetched, inducted, repeat from latest where person = ? and stage = ?";
    type Latest = { fetched: string; inducted: string | null; repeat: number };
    const row = this.#try(() => this.#db.query<Latest, string[]>(find).get(person, stage));
    const fetchedAt = row ? plausible(new Date(row.fetched), this.now()) : undefined;
    if (!row || !fetchedAt) return undefined;
    return { inducted: row.inducted ?? undefined, repeat: row.repeat, fetchedAt };
  }

  /** The keyed hash of a NIK. */
  personKey(code: string): string {
    return new Bun.CryptoHasher("sha256", this.#key).update(code).digest("base64url").slice(0, 22);
  }

  readonly rows: Rows = <Row>(sql: string, ...values: Value[]): Row[] => {
    this.flush();
    return this.#try(() => this.#query<Row>(sql, ...values)) ?? [];
  };
  readonly #query: Rows = <Row>(sql: string, ...values: Value[]) => this.#db.query<Row, Value[]>(sql).all(...values);

  readonly deadLetters = new DeadLetterIndex(
    this.rows,
    (id) => this.#try(() => this.cases.adopt(id)),
    (ids) => this.#try(() => this.cases.taken(ids, this.now().toISOString())),
  );

  [Symbol.dispose](): void {
    this.flush();
    clearTimeout(this.#again);
    this.#db.close();
  }

  /** One transaction, together with earlier failed writes. What fails again is kept for later, within bounds. */
  #write(...writes: (() => void)[]): void {
    const all = [...this.#unwritten, ...writes];
    if (all.length === 0) return;
    this.#unwritten = [];
    const write = this.#db.transaction(() => {
      for (const one of all) one();
    });
    this.#try(write, () => {
      for (const seen of Object.values(this.#seenRuns)) seen.clear();
      this.#unwritten = all.slice(-maxUnwritten);
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#write(), tryAgainMs);
    });
  }

  #keep(entry: Entry): void {
    const { run, item, kind, stage, outcome, code, kib, fetchedAt, failure } = entry;
    const person = code === undefined ? null : this.personKey(code);
    // An item id is a plain hash of run and record: with the run beside it the NIK in it could be guessed.
    const kept = kind === "person" || kind === "follow" ? this.personKey(item) : item;
    const at = entry.at.toISOString();
    const why = [failure?.code ?? null, failure?.text ?? null];
    const events =
      "insert into events (at, run, item, person, kib, kind, stage, outcome, attempt, code, text) values (?,?,?,?,?,?,?,?,?,?,?)";
    this.#db.query(events).run(at, run ?? null, kept, person, kib ?? null, kind, stage, outcome, entry.attempt, ...why);
    if (run !== undefined) this.#noteRun(run, at);
    if (outcome !== "warning") {
      const steps = "insert or replace into steps values (?, ?, ?, ?, ?, ?, ?, ?, null)";
      this.#db.query(steps).run(run ?? "", kept, stage, kind, outcome, at, ...why);
    }
    const id = this.cases.note(entry, kept);
    const ofCase = "update steps set case_id = ? where run = ? and item = ? and stage = ?";
    if (id !== null) this.#db.query(ofCase).run(id, run ?? "", kept, stage);
    if (outcome !== "done") return;
    this.#noteFetch(entry, person ?? kept);
    if (person === null || fetchedAt === undefined) return;
    const latest = this.#latest(person, stage);
    if (latest !== undefined && isOlder(entry, latest) && !this.hasLeft(person, latest)) return;
    const mark = entry.mark && this.personKey(entry.mark);
    noteProgress({ ...entry, mark }, person, kept, this.settings, this.#query);
    const name = entry.record === undefined ? null : this.cases.marksOf(entry.record).name;
    const values = [person, stage, fetchedAt.toISOString(), entry.inducted ?? null, entry.repeat ?? 0, name];
    this.#db.query("insert or replace into latest values (?, ?, ?, ?, ?, ?)").run(...values);
  }

  /**
   * Who stands on which date, as Eposh gave it last, and which dates were fetched as a whole. Whoever has no usable NIK is
   * noted by the item, to be counted.
   */
  #noteFetch({ stage, kind, run = "", inducted, repeat = 0, at }: Entry, person: string): void {
    if (stage !== "induction" || inducted === undefined) return;
    const when = at.toISOString();
    const held = "insert or replace into held values (?, ?, ?, ?, ?)";
    if (kind === "person") this.#db.query(held).run(inducted, person, repeat, run, when);
    // n.b. An empty answer is never a reason to believe that somebody is no longer there.
    const fetched = `insert or replace into fetches select ?1, ?2, ?3
      where exists (select 1 from held where date = ?1 and run = ?2)`;
    if (kind === "task" && this.#db.query(fetched).run(inducted, run, when).changes > 0)
      this.cases.fetched(inducted, run, when);
  }

  /** A run that started elsewhere, or whose queues have other consumers, is seen here only in part. */
  #noteRun(run: string, at: string): void {
    const isPartial = this.sharedStages.size > 0;
    const seen = this.#seenRuns[isPartial ? "partial" : "whole"];
    if (seen.has(run)) return;
    seen.add(run);
    const note = `insert into runs (id, at, dates, tasks, part) values (?1, ?2, '[]', 0, 1)
      on conflict do update set part = max(part, ?3)`;
    this.#db.query(note).run(run, at, Number(isPartial));
  }

  /** At the start and, because a daemon runs for years, at the first run of each day; it reads all tables. */
  #purge(): void {
    const now = this.now().getTime();
    if (now - this.#purgedMs < 86_400_000) return;
    this.#purgedMs = now;
    const oldest = new Date(now - this.#keepDays * 86_400_000).toISOString();
    this.#try(() => {
      for (const table of keptTables) this.#db.run(`delete from ${table} where at < ?`, [oldest]);
      this.#db.run("delete from latest where fetched < ?", [oldest]);
      this.cases.purge(oldest);
    });
  }

  #try<T>(work: () => T, later = () => {}): T | undefined {
    try {
      const done = work();
      this.#failing = false;
      return done;
    } catch (error) {
      if (!this.#failing) this.#say(`ledger.db cannot be used; until it can, history may be lost: ${textOf(error)}`);
      this.#failing = true;
      if (isPassing(error)) later();
      return undefined;
    }
  }
}
