import { isOlder } from "../../people/record-order.ts";
import type { RecordOrder } from "../../people/types.ts";
import { plausible } from "../../util/plausible.ts";
import type { Rows } from "../schema.ts";
import type { Entry } from "../subjects.ts";

/** Which record of each person passed each stage last, and who stands on which date. Persons are keyed hashes of NIKs. */
export class Latest {
  constructor(
    /** For reading and, in the transactions of the ledger, for writing. */
    readonly query: Rows,
    readonly now: () => Date,
  ) {}

  /** Whether a newer record of that person has passed the stage. */
  isPast(order: RecordOrder, person: string, stage: string): boolean {
    const latest = this.#find(person, stage);
    return latest !== undefined && isOlder(order, latest) && !this.hasLeft(person, latest);
  }

  /** Whether that date was fetched since then, and the record is no longer there. */
  hasLeft(person: string, { inducted, repeat = 0, fetchedAt }: RecordOrder): boolean {
    if (inducted === undefined || fetchedAt === undefined) return false;
    const find = `select 1 from fetches f where date = ?1 and at > ?2 and not exists (select 1 from held h
      where h.date = f.date and h.person = ?3 and h.repeat >= ?4 and (h.run = f.run or h.at > f.at))`;
    return this.query(find, inducted, fetchedAt.toISOString(), person, repeat).length > 0;
  }

  note(
    { inducted, repeat }: Entry,
    fetchedAt: Date,
    { person, stage, name }: { person: string; stage: string; name: string | null },
  ): void {
    const insert = "insert or replace into latest values (?, ?, ?, ?, ?, ?)";
    this.query(insert, person, stage, fetchedAt.toISOString(), inducted ?? null, repeat ?? 0, name);
  }

  /**
   * Who stands on which date, as Eposh gave it last. Whoever has no usable NIK is noted by the item, to be counted. Resolves
   * with the date of a whole fetch that is over.
   */
  noteFetch({ stage, kind, run = "", inducted, repeat = 0, at }: Entry, person: string): string | undefined {
    if (stage !== "induction" || inducted === undefined) return undefined;
    const when = at.toISOString();
    if (kind === "person")
      this.query("insert or replace into held values (?, ?, ?, ?, ?)", inducted, person, repeat, run, when);
    // n.b. An empty answer is never a reason to believe that somebody is no longer there.
    const fetched = `insert or replace into fetches select ?1, ?2, ?3
      where exists (select 1 from held where date = ?1 and run = ?2) returning 1`;
    return kind === "task" && this.query(fetched, inducted, run, when).length > 0 ? inducted : undefined;
  }

  #find(person: string, stage: string): RecordOrder | undefined {
    const find = "select fetched, inducted, repeat from latest where person = ? and stage = ?";
    const [row] = this.query<{ fetched: string; inducted: string | null; repeat: number }>(find, person, stage);
    const fetchedAt = row && plausible(new Date(row.fetched), this.now());
    return fetchedAt && { inducted: row.inducted ?? undefined, repeat: row.repeat, fetchedAt };
  }
}
