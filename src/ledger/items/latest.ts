import { isOlder } from "../../people/record-order.ts";
import type { RecordOrder } from "../../people/types.ts";
import { plausible } from "../../util/plausible.ts";
import type { Rows } from "../schema.ts";
import type { Entry } from "../subjects.ts";
import type { Words } from "./words.ts";

export interface Passed {
  person: string;
  fetched: string;
  inducted: string;
  repeat: number;
  name: string;
  /** Their words, each between blanks. */
  stages: string;
}

/** Which record of each person passed each stage last, and who stands on which date. Persons are keyed hashes of NIKs. */
export class Latest {
  constructor(
    /** For reading and, in the transactions of the ledger, for writing. */
    readonly query: Rows,
    readonly words: Words,
    readonly now: () => Date,
  ) {}

  /** Whether a newer record of that person has passed the stage. */
  isPast(order: RecordOrder, person: string, stage: string): boolean {
    const before = this.passed(this.rowsOf(person), stage);
    return before !== undefined && this.#isOlder(order, before);
  }

  /** Whether that date was fetched since then, and the record is no longer there. */
  hasLeft(person: string, { inducted, repeat = 0, fetchedAt }: RecordOrder): boolean {
    if (inducted === undefined || fetchedAt === undefined) return false;
    const find = `select 1 from fetches f where date = ?1 and at > ?2 and not exists (select 1 from held h
      where h.date = f.date and h.person = ?3 and h.repeat >= ?4 and (h.run = f.run or h.at > f.at))`;
    return this.query(find, inducted, fetchedAt.toISOString(), person, repeat).length > 0;
  }

  /** False where a newer record has passed it. Records of one person that passed the same stages last share a row. */
  note(entry: Entry, fetchedAt: Date, of: { person: string; stage: string; name: string }): boolean {
    const { inducted = "", repeat = 0 } = entry;
    const before = this.passed(this.rowsOf(of.person), of.stage);
    const own = ` ${this.words.idOf(of.stage)} `;
    if (before && this.#isOlder(entry, before)) return false;
    const fetched = fetchedAt.toISOString();
    const key = "person = ? and fetched = ? and inducted = ? and repeat = ? and name = ?";
    if (before) {
      const values = [before.person, before.fetched, before.inducted, before.repeat, before.name];
      const left = before.stages.replace(own, " ");
      if (left === " ") this.query(`delete from passed where ${key}`, ...values);
      else this.query(`update passed set stages = ? where ${key}`, left, ...values);
    }
    const insert = `insert into passed values (?, ?, ?, ?, ?, ?)
      on conflict do update set stages = stages || substr(excluded.stages, 2)`;
    this.query(insert, of.person, fetched, inducted, repeat, of.name, own);
    return true;
  }

  /** That of these rows whose record passed the stage last. */
  passed(rows: readonly Passed[], stage: string): Passed | undefined {
    const own = ` ${this.words.idOf(stage)} `;
    return rows.find(({ stages }) => stages.includes(own));
  }

  rowsOf(person: string): Passed[] {
    return this.query<Passed>("select * from passed where person = ?", person);
  }

  /**
   * Who stands on which date, as Eposh gave it last. Whoever has no usable NIK is noted by the item, to be counted. Resolves
   * with the date of a whole fetch that is over.
   */
  noteFetch({ stage, kind, run = "", inducted, repeat = 0, at }: Entry, person: string): string | undefined {
    if (stage !== "induction" || inducted === undefined) return undefined;
    const when = at.toISOString();
    if (kind === "person")
      this.query(
        `insert into held (date, person, repeat, run, at) values (?, ?, ?, ?, ?)
          on conflict do update set run = excluded.run, at = excluded.at`,
        ...[inducted, person, repeat, run, when],
      );
    // n.b. An empty answer is never a reason to believe that somebody is no longer there.
    const fetched = `insert or replace into fetches select ?1, ?2, ?3
      where exists (select 1 from held where date = ?1 and run = ?2) returning 1`;
    return kind === "task" && this.query(fetched, inducted, run, when).length > 0 ? inducted : undefined;
  }

  #isOlder(order: RecordOrder, { person, fetched, inducted, repeat }: Passed): boolean {
    const fetchedAt = plausible(new Date(fetched), this.now());
    const latest = fetchedAt && { inducted: inducted || undefined, repeat, fetchedAt };
    return latest !== undefined && isOlder(order, latest) && !this.hasLeft(person, latest);
  }
}

/** The latest induction date of a record that passed create-person, unless HikCentral was restored to a state before it. */
export const lastInductedOf = (rows: Rows, person: string): string | undefined =>
  rows<{ day: string | null }>(
    `select inducted day from latest where person = ?1 and stage = 'create-person'
       and not exists (select 1 from met where person = ?1 and lost = 1)`,
    person,
  )[0]?.day ?? undefined;
