import type { Database } from "bun:sqlite";
import { join } from "node:path";
import type { RecordOrder } from "../people/types.ts";
import { Cases } from "./cases/cases.ts";
import { Decisions } from "./cases/decisions.ts";
import { adopt, closeTaken } from "./cases/letters.ts";
import { Losses } from "./cases/losses.ts";
import { noteSituations, type Situation } from "./cases/situations.ts";
import { DeadLetterIndex } from "./dead-letter-index.ts";
import { Items } from "./items/items.ts";
import { Latest } from "./items/latest.ts";
import { tidy } from "./items/tidy.ts";
import type { RunRecord } from "./runs.ts";
import { keyIn, openOrMoveAside, type Rows, type Value } from "./schema.ts";
import type { Entry } from "./subjects.ts";
import { Funnels } from "./today.ts";
import { noteProgress } from "./unchanged.ts";
import { Writes } from "./writes.ts";

/** No two employees of a run have an item in common. */
const itemLength = 12;
const isWrite = /^\s*(insert|update|delete|create)/;

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
  readonly now: () => Date;
  readonly #listeners = new Set<(entries: readonly Entry[]) => void>();
  readonly #writes: Writes;
  /** Entries of this turn that are not written yet. */
  #pending: Entry[] = [];
  /** What waits for the commit. */
  #recorded: { entries: readonly Entry[]; kept: () => void }[] = [];
  readonly #cancelled: Set<string>;
  readonly cases: Cases;
  readonly decisions: Decisions;
  readonly items: Items;
  /** The state folder. */
  readonly folder: string;
  /** A mark of those that decide what is written of a record. */
  settings = "";
  /** Stages whose queue has other consumers too. */
  readonly sharedStages = new Set<string>();
  #isClosed = false;
  #purgedMs = Number.NEGATIVE_INFINITY;

  constructor({ folder, keepDays, say, now = () => new Date() }: LedgerOptions) {
    this.now = now;
    this.#keepDays = keepDays;
    this.#key = keyIn(folder);
    this.#db = openOrMoveAside(join(folder, "ledger.db"), say);
    this.folder = folder;
    this.decisions = new Decisions(folder, say);
    this.items = new Items(this.#db, this.sharedStages);
    this.#latest = new Latest(this.#query, this.items.words, now);
    this.#funnels = new Funnels(this.#query, this.#latest);
    this.cases = new Cases(this.#db, this.items, (text) => this.personKey(text));
    this.#writes = new Writes(this.#db, {
      say,
      beforeCommit: () => this.flush(),
      afterCommit: () => {
        for (const { entries, kept } of this.#recorded.splice(0)) {
          kept();
          for (const listener of this.#listeners) listener(entries);
        }
      },
      finish: () => {
        this.items.writeTallies();
        this.#funnels.write();
      },
      forget: () => {
        this.items.forget();
        this.#funnels.forget();
      },
    });
    this.#purge();
    const cancelled = this.rows<{ id: string }>("select id from runs where cancelled is not null");
    this.#cancelled = new Set(cancelled.map(({ id }) => id));
  }

  /** Resolves once it is stored, or kept for later; entries that arrive together share a transaction. Never rejects. */
  record(...entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending.push(...entries);
    this.#recorded.push({ entries, kept: resolve });
    this.#writes.schedule();
    return promise;
  }

  /** What was recorded is seen by whoever reads. */
  flush(): void {
    const pending = this.#pending.splice(0);
    this.#writes.join(pending.map((entry) => () => this.#keep(entry)));
  }

  /** Called after each record; returns how to stop listening. */
  onRecord(listener: (entries: readonly Entry[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  openRun({ id, at, dates, tasks, limit, kib, by }: RunRecord): void {
    const values = [
      id,
      at.toISOString(),
      JSON.stringify(dates),
      tasks,
      limit ?? null,
      kib ? JSON.stringify(kib) : null,
      by ? JSON.stringify(by) : null,
    ];
    const insert = `insert into runs (id, at, dates, tasks, people_limit, kib, started_by) values (?, ?, ?, ?, ?, ?, ?)
      on conflict do update set at = excluded.at, dates = excluded.dates, tasks = excluded.tasks, part = 0,
        people_limit = excluded.people_limit, kib = excluded.kib, started_by = excluded.started_by, cancelled = null, closed = null`;
    this.#write(() => this.#db.run(insert, values));
    this.items.forget();
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

  /** One transaction. */
  write(work: () => void): void {
    this.#write(work);
  }

  /** The stages after which an employee is through. What was counted with others is counted anew, but for closed runs. */
  set leaves(leaves: readonly string[]) {
    this.items.leaves = leaves;
    const mark = Bun.hash.crc32(leaves.join());
    const [fact] = this.rows<{ value: number }>("select value from facts where name = 'leaves'");
    if (fact?.value === mark) return;
    this.#write(() => {
      this.items.recount(fact === undefined ? "all" : "open");
      if (fact === undefined) this.#funnels.countAnew(this.now());
      this.#db.run("insert or replace into facts values ('leaves', ?)", [mark]);
    });
  }

  /** What the comparison of the whole site found. */
  found(situations: readonly Situation[]): void {
    const { cases } = this;
    const noting = { rows: this.#query, cases, personKey: (code: string) => this.personKey(code) };
    this.#write(() => noteSituations(noting, situations, this.now().toISOString()));
  }

  isCancelled(run: string | undefined): boolean {
    return run !== undefined && this.#cancelled.has(run);
  }

  /** Whether a newer record of this employee has passed this stage: a hint that HikCentral may not give. */
  superseded(stage: string, code: string | undefined, order: RecordOrder): boolean {
    if (code === undefined) return false;
    return this.#writes.attempt(() => this.#latest.isPast(order, this.personKey(code), stage)) ?? false;
  }

  /** Whether that date was fetched since then, and the record is no longer there. */
  hasLeft(person: string, noted: RecordOrder): boolean {
    return this.#writes.attempt(() => this.#latest.hasLeft(person, noted)) ?? false;
  }

  /** The keyed hash of a NIK. */
  personKey(code: string): string {
    return new Bun.CryptoHasher("sha256", this.#key).update(code).digest("base64url").slice(0, 22);
  }

  readonly rows: Rows = <Row>(sql: string, ...values: Value[]): Row[] => {
    this.flush();
    if (!isWrite.test(sql)) return this.#writes.attempt(() => this.#query<Row>(sql, ...values)) ?? [];
    let answer: Row[] = [];
    const write = () => {
      answer = this.#query<Row>(sql, ...values);
    };
    this.#writes.join([write]);
    return answer;
  };
  readonly #query: Rows = <Row>(sql: string, ...values: Value[]) => this.#db.query<Row, Value[]>(sql).all(...values);

  readonly #latest: Latest;
  readonly #funnels: Funnels;

  readonly losses = new Losses(this.rows, () => this.now());

  readonly deadLetters = new DeadLetterIndex(
    this.rows,
    (ids) => adopt(this.rows, ids),
    (ids) => closeTaken(this.rows, ids, this.now().toISOString()),
  );

  [Symbol.dispose](): void {
    this.#writes[Symbol.dispose]();
    this.#isClosed = true;
    this.#db.close();
  }

  /** Committed at once. */
  #write(work: () => void): void {
    this.flush();
    this.#writes.join([work]);
    this.#writes.commit();
  }

  #keep(entry: Entry): void {
    const { run, item, kind, stage, outcome, code, kib, fetchedAt, failure } = entry;
    const person = code === undefined ? null : this.personKey(code);
    // An item id is a plain hash of run and record: with the run beside it the NIK in it could be guessed.
    const kept = kind === "person" || kind === "follow" ? this.personKey(item).slice(0, itemLength) : item;
    const at = entry.at.toISOString();
    const marked = { run: this.items.numberOf(run, at), item: kept, person };
    if (!this.items.note(entry, marked)) {
      const insert =
        "insert into events (at, run, item, person, kib, kind, stage, outcome, attempt, code, text) values (?,?,?,?,?,?,?,?,?,?,?)";
      const what = [kib ?? null, kind, stage, outcome, entry.attempt, failure?.code ?? null, failure?.text ?? null];
      this.#db.query(insert).run(at, run ?? null, kept, person, ...what);
    }
    const id = this.cases.note(entry, marked);
    if (id !== null) this.items.setCase(entry, marked, id);
    if (kind === "person" || kind === "follow") this.#funnels.moved(entry, person ?? kept);
    if (outcome !== "done") return;
    const fetched = this.#latest.noteFetch(entry, person ?? kept);
    if (fetched !== undefined) {
      this.cases.fetched(fetched, run ?? "", at);
      this.#funnels.fetched(fetched, run ?? "");
    }
    if (person === null || fetchedAt === undefined) return;
    const name = entry.record === undefined ? "" : this.cases.marksOf(entry.record).name;
    if (!this.#latest.note(entry, fetchedAt, { person, stage, name })) return;
    const [mark, photo] = [entry.mark, entry.photo].map((text) => text && this.personKey(text));
    noteProgress({ ...entry, mark, photo }, person, kept, this.settings, this.#query);
  }

  /** At the start and, because a daemon runs for years, at the first run of each day; it reads all tables. */
  #purge(): void {
    const now = this.now();
    if (now.getTime() - this.#purgedMs < 86_400_000) return;
    this.#purgedMs = now.getTime();
    const run = (work: () => void) => {
      this.#writes.commit();
      this.#writes.attempt(this.#db.transaction(work));
    };
    const isEnded = () => this.#isClosed;
    const purge = (oldest: string) => {
      this.cases.purge(oldest);
      this.items.forget();
    };
    void tidy({
      db: this.#db,
      now,
      keepDays: this.#keepDays,
      run,
      isEnded,
      purge,
    });
  }
}
