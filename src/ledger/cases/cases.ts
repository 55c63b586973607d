import type { Database } from "bun:sqlite";
import type { FailureCode } from "../../errors/codes.ts";
import { namesIn } from "../../people/names.ts";
import { isOlder } from "../../people/record-order.ts";
import { samePerson } from "../../people/same-person.ts";
import type { DeadLetter } from "../dead-letter-index.ts";
import type { Items, Marked } from "../items/items.ts";
import type { Value } from "../schema.ts";
import type { Entry, StageEnd } from "../subjects.ts";
import { type CaseRow, type Closed, type Marks, orderOf, type Problem, type Subject } from "./case-row.ts";
import { closeAlike, comparisonStage, endsByRun } from "./situations.ts";

/** Warnings of two records, of which the first one could not know of the second. */
const ofTwo: ReadonlySet<string> = new Set<FailureCode>(["kib_in_use", "shared_photo"]);

const maxNames = 5_000;
/** Complete fetches of its date that no longer hold a record. */
const fetchesWithout = 2;

/**
 * The open problems of records. It is written in the transactions of the ledger; losing it costs at most one more dead
 * letter for each record.
 */
export class Cases {
  /** Names are not in the ledger: those of the records that were in hand lately. */
  readonly #names = new Map<string, string>();

  constructor(
    readonly db: Database,
    readonly items: Items,
    readonly hash: (text: string) => string,
  ) {}

  nameOf(record: string): string | undefined {
    return this.#names.get(record);
  }

  /** Resolves the case of a dead letter, for its step. */
  note(entry: Entry, marked: Marked): string | null {
    const { record, name, stage, outcome } = entry;
    if (record === undefined) return null;
    const marks = this.marksOf(record);
    if (name !== undefined) this.noteName(marks.record, name);
    if (outcome === "dead") return this.#meet(entry, marks, "dead letter");
    if (outcome === "warning") this.#meet(entry, marks, "warning");
    if (outcome === "retry" && entry.lacks) this.#lack(entry, entry.lacks, marks);
    if (outcome !== "done" && outcome !== "ended") return null;
    if (stage === "induction" && entry.inducted !== undefined && entry.kind !== "task") this.#hold(entry, marks.record);
    else if (entry.end) this.#pass(entry, entry.end, marks, marked);
    else if (entry.kind === "follow") this.#cancel(entry, marks.record);
    return null;
  }

  /** After a complete fetch of a date. */
  fetched(date: string, run: string, at: string): void {
    this.#run(
      "update cases set absent = absent + 1 where closed is null and inducted = ? and held_run is not ?",
      date,
      run,
    );
    this.#run(
      "update cases set closed = ?, why = 'no longer at Eposh' where closed is null and inducted = ? and absent >= ?",
      at,
      date,
      fetchesWithout,
    );
  }

  close(id: string, why: Closed, at: string): void {
    this.#run("update cases set closed = ?, why = ? where id = ? and closed is null", at, why, id);
  }

  /** What was closed before that. */
  purge(before: string): void {
    const letters = "select 1 from dead_letters d where d.case_id = cases.id";
    this.#run(`delete from cases where closed < ? and not exists (${letters})`, before);
  }

  /** A letter that an operator dropped is out of its queue in a moment; its case ends with the last one. */
  dropped({ id, case_id }: Pick<DeadLetter, "id" | "case_id">, at: string): void {
    const others = "select 1 from dead_letters where case_id = ? and id <> ?";
    if (this.db.query(others).get(case_id, id) === null) this.close(case_id, "dropped", at);
  }

  /** The keyed hashes that stand for a record and its name in the ledger. */
  marksOf(record: string): Marks {
    const [whole = "", name = ""] = record.split(".");
    return { record: this.hash(whole), name: this.hash(name) };
  }

  /** An id that is easy to type: the hash of what makes a case, or a letter of it, what it is. */
  idOf(...parts: readonly (string | number | undefined)[]): string {
    return Buffer.from(this.hash(parts.join("\n")), "base64url")
      .toString("hex")
      .slice(0, 12);
  }

  /** A stage that follows another one goes on with its problems: it is one case, wherever it stands. */
  caseIdOf(record: string, stage: string, code: string): string {
    return this.idOf(record, this.followed.get(stage) ?? stage, code);
  }

  /** Kept in memory alone. */
  noteName(record: string, name: string): void {
    this.#names.delete(record);
    this.#names.set(record, name);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= maxNames) break;
      this.#names.delete(oldest);
    }
  }

  #meet(entry: Entry, { record, name }: Marks, kind: CaseRow["kind"]): string {
    const { stage, run, kib, code: nik, failure, inducted, repeat, fetchedAt, isKnownLetter } = entry;
    const at = entry.at.toISOString();
    const code = failure?.code ?? "";
    const id = this.caseIdOf(record, stage, code);
    const person = nik === undefined ? null : this.hash(nik);
    // Its later record has passed, maybe a moment ago: what this one lacks is no problem any more.
    if (kind === "warning" && person !== null && this.#isPast(entry, person, name)) return id;
    const known = this.db.query<CaseRow, Value[]>("select * from cases where id = ?").get(id);
    // Of an earlier run, whose message took its time: the later one has been counted.
    const isFormer = known?.closed === null && isOlder(entry, orderOf(known));
    // n.b. A letter that is there already has the order of the fetch that it is of: its replay must be able to close it.
    const order = { inducted: inducted ?? null, repeat: repeat ?? 0, fetched: fetchedAt?.toISOString() ?? null };
    const subject = { record, person, name, kib: kib ?? null, ...order };
    const counted = isFormer ? (known.last_run ?? undefined) : run;
    this.#open(
      kind,
      subject,
      { stage, code, text: failure?.text ?? "", at, run: counted },
      {
        keepsOrder: isKnownLetter || isFormer,
        isAwaited: entry.outcome === "retry" && kind === "warning",
      },
    );
    if (kind === "dead letter" && entry.kind === "person") this.#moveOn(record, id, at);
    return id;
  }

  /** A warning that another record's delivery found. False where the case is open already. */
  meetOther(subject: Subject, problem: Problem): boolean {
    const open = "select 1 from cases where id = ? and closed is null";
    if (this.db.query(open).get(this.caseIdOf(subject.record, problem.stage, problem.code)) !== null) return false;
    this.#open("warning", subject, problem);
    return true;
  }

  #open(
    kind: CaseRow["kind"],
    { record, person, name, kib, inducted, repeat, fetched }: Subject,
    { stage, code, text, at, run }: Problem,
    { keepsOrder = false, isAwaited = false }: { keepsOrder?: boolean | undefined; isAwaited?: boolean } = {},
  ): void {
    const set = keepsOrder ? "" : "inducted = ?12, repeat = ?13, fetched = ?14,";
    this.#run(
      `insert into cases (id, record, person, name, kib, stage, code, kind, text, first, last, runs, last_run, inducted,
         repeat, fetched, held_run, awaited)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 1, ?11, ?12, ?13, ?14, ?11, ?15)
       on conflict (id) do update set ${set} stage = ?6, kind = ?8, text = ?9, last = ?10, awaited = ?15,
         first = iif(closed is null, first, ?10), runs = iif(closed is null, runs + (last_run is not ?11), 1),
         last_run = ?11, held_run = ?11, absent = 0, closed = null, why = null`,
      ...[this.caseIdOf(record, stage, code), record, person, name, kib, stage, code, kind, text, at, run ?? null],
      ...[inducted, repeat, fetched, Number(isAwaited)],
    );
    closeAlike((sql, ...values) => this.db.query(sql).all(...values) as never, code, { person, at });
  }

  /** What is tried again by itself, and is a case meanwhile. What was closed since the message came stays closed for it. */
  #lack(entry: Entry, { since, ...failure }: NonNullable<Entry["lacks"]>, marks: Marks): void {
    const id = this.caseIdOf(marks.record, entry.stage, failure.code);
    const known = this.db.query<CaseRow, Value[]>("select * from cases where id = ?").get(id);
    const isDead = known?.kind === "dead letter" && known.closed === null;
    if (known && (known.closed === null ? isOlder(entry, orderOf(known)) : known.closed >= since.toISOString())) return;
    // Its dead letter of an earlier run is there still.
    this.#meet({ ...entry, failure, isKnownLetter: isDead }, marks, isDead ? "dead letter" : "warning");
  }

  /** Nobody tries it any more. */
  #cancel({ run = "", stage, at }: Entry, record: string): void {
    this.#run(
      `update cases set closed = ?, why = 'cancelled' where closed is null and awaited and record = ? and stage = ?
        and last_run = ?`,
      ...[at.toISOString(), record, stage, run],
    );
  }

  #isPast(entry: Entry, person: string, name: string): boolean {
    const find = "select fetched, inducted, repeat, name from latest where person = ? and stage = ?";
    const passed = this.items.leaves.map((leaf) => this.db.query<CaseRow, Value[]>(find).get(person, leaf));
    return (
      passed.length > 0 && passed.every((row) => row !== null && row.name === name && isOlder(entry, orderOf(row)))
    );
  }

  #hold({ inducted = "", run = "" }: Entry, record: string): void {
    const hold = "update cases set absent = 0, held_run = ? where closed is null and inducted = ? and record = ?";
    this.#run(hold, run, inducted, record);
  }

  #pass(entry: Entry, end: StageEnd, marks: Marks, marked: Marked): void {
    const person = entry.code === undefined ? null : this.hash(entry.code);
    const find = `select id, record, person, name, kib, stage, code, kind, inducted, repeat, fetched, last_run from cases
      where closed is null and (record = ?1 or person = ?2)`;
    const open = this.db.query<CaseRow, Value[]>(find).all(marks.record, person);
    const isOfRecord = ({ stage, code }: CaseRow) => stage !== comparisonStage || endsByRun(code);
    const candidates = open.filter((one) => isOfRecord(one) && !isOlder(entry, orderOf(one)));
    if (candidates.length === 0) return;
    const isThrough =
      entry.kind === "person" && this.items.leaves.includes(entry.stage) && this.items.isThrough(marked);
    // An end on purpose is one of its own cases, and nobody else's success.
    const isOver = isThrough || (entry.kind === "person" && entry.outcome === "ended");
    for (const one of candidates) {
      const isOwn = one.record === marks.record;
      const next = isOwn && one.stage === entry.stage && end.goesOn.find(({ code }) => code === one.code);
      if (next) {
        this.#run("update cases set stage = ? where id = ?", next.stage, one.id);
        continue;
      }
      const passed = one.stage === comparisonStage ? isThrough && "passed" : this.#endOf(one, entry, end, isOver);
      const why = (isOwn && passed) || undefined;
      const isLater = !isOwn && isThrough && this.#isSameHuman(one, entry, marks);
      if (why || isLater) this.close(one.id, why ?? "later record passed", entry.at.toISOString());
    }
  }

  /** Of the record's own case. */
  #endOf(one: CaseRow, { stage, kind, run }: Entry, end: StageEnd, isOver: boolean): Closed | undefined {
    const isHere = one.stage === stage;
    // It was in progress when the other record came.
    if (ofTwo.has(one.code) && run !== undefined && one.last_run === run) return undefined;
    if (one.kind === "warning")
      return (isHere && !end.warned.includes(one.code)) || end.notFollowed.includes(one.stage) ? "passed" : undefined;
    // What follows by itself, a page and a date have no last stage but their own.
    if (isHere && kind !== "person") return "passed";
    if (end.notFollowed.includes(one.stage)) return "passed";
    return isOver && this.#isOfChain(one) ? "passed" : undefined;
  }

  /** Whether the last stage says something about it: a photo that is still awaited has its own end. */
  #isOfChain({ stage }: CaseRow): boolean {
    return !this.followed.has(stage);
  }

  /** Each stage that follows by itself → the one that it follows. */
  followed: ReadonlyMap<string, string> = new Map();

  /** A record that was replayed and fails elsewhere has one problem, and that is the new one. */
  #moveOn(record: string, to: string, at: string): void {
    const find = `select id, stage from cases c where closed is null and kind = 'dead letter' and record = ? and id <> ?
      and not exists (select 1 from dead_letters d where d.case_id = c.id)`;
    for (const { id, stage } of this.db.query<CaseRow, Value[]>(find).all(record, to)) {
      if (this.followed.has(stage)) continue;
      this.#run("update stuck set case_id = ? where case_id = ?", to, id);
      this.close(id, "failed elsewhere", at);
    }
  }

  /** The NIK is the same. In doubt they are two. */
  #isSameHuman(one: CaseRow, { kib }: Entry, marks: Marks): boolean {
    if (!this.#isOfChain(one)) return false;
    if (one.name === marks.name) return true;
    const theirs = this.#names.get(one.record) ?? this.#nameOfLetter(one.id);
    const ours = this.#names.get(marks.record);
    if (ours === undefined || theirs === undefined) return false;
    const [a, b] = [
      { ...namesIn(ours), kib },
      { ...namesIn(theirs), kib: one.kib ?? undefined },
    ];
    return samePerson(a, b, "unknown").same;
  }

  #nameOfLetter(id: string): string | undefined {
    const find = "select name from dead_letters where case_id = ? and name is not null";
    return this.db.query<Pick<DeadLetter, "name">, Value[]>(find).get(id)?.name;
  }

  #run(sql: string, ...values: Value[]): void {
    this.db.query(sql).run(...values);
  }
}
