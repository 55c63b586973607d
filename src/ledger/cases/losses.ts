import { isOlder } from "../../people/record-order.ts";
import { readRemark, writeRemark } from "../../people/remark.ts";
import type { Rows } from "../schema.ts";

/** A write of ours in HikCentral, as far as it is remembered. */
export interface Write {
  /** The keyed hash of the NIK. */
  readonly person: string;
  readonly personId: string;
  /** ISO 8601. */
  readonly at: string;
  /** Of a grant. */
  readonly privilegeGroup: string | null;
  /** Of a remark. Without both the person was made. */
  readonly note: string | null;
}

export interface Loss {
  readonly how: "number" | "note";
  /** When it was written, in ISO 8601. */
  readonly at: string;
  /** When it was seen that HikCentral has lost it. */
  readonly seen: string;
}

/** Whatever is found within a day belongs together. */
const keptMs = 86_400_000;
/** Before the first loss was seen: what was missing then, somebody had taken away in a HikCentral that had lost nothing. */
const passMs = 900_000;

/** Our note alone; "" where there is none. */
export const noteIn = (remark: string): string => {
  const { text: _, hasNote, ...order } = readRemark(remark);
  return hasNote ? writeRemark("", order) : "";
};

const ago = (now: Date, ms: number) => new Date(now.getTime() - ms).toISOString();

/**
 * What HikCentral has lost although no human takes such a thing back: then it was restored to a backup. What follows from
 * it is decided in reconcile/lost-span.ts.
 */
export class Losses {
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly rows: Rows,
    readonly now: () => Date,
  ) {}

  /** Called after each new one; returns how to stop listening. */
  onNoted(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** HikCentral gave this number to somebody new: whoever had it is gone, with all that was granted. */
  numberGiven(personId: string): void {
    const seen = this.now().toISOString();
    const before = this.rows(
      `insert or replace into losses select person, 'number', at, ? from met where person_id = ? returning 1`,
      seen,
      personId,
    );
    this.rows("delete from met where person_id = ?", personId);
    this.rows("delete from grants where person_id = ?", personId);
    if (before.length > 0) this.#tell();
  }

  remarkWritten(person: string, personId: string, remark: string): void {
    const set = "update met set noted = ?, noted_at = ?, lost = null where person = ? and person_id = ?";
    this.rows(set, noteIn(remark), this.now().toISOString(), person, personId);
  }

  /** As HikCentral shows it. */
  remarkSeen(person: string, personId: string, remark: string): void {
    const find = "select noted, noted_at at from met where person = ? and person_id = ? and noted is not null";
    const [written] = this.rows<{ noted: string; at: string }>(find, person, personId);
    const there = readRemark(remark);
    if (written === undefined || !there.hasNote || !isOlder(there, readRemark(written.noted))) return;
    const insert = "insert or replace into losses values (?, 'note', ?, ?)";
    this.rows(insert, person, written.at, this.now().toISOString());
    this.#tell();
  }

  recent(): Loss[] {
    this.rows("delete from losses where seen <= ?", ago(this.now(), keptMs));
    return this.rows<Loss>("select how, at, seen from losses order by seen");
  }

  /** What was written between two times, both included. */
  writesBetween(from: number, to: number): Write[] {
    const [first, last] = [from, to].map((ms) => new Date(ms).toISOString());
    return this.rows<Write>(
      `select person, person_id personId, at, null privilegeGroup, null note from met
         where how = 'made' and at between ?1 and ?2
       union all select person, person_id, at, privilege_group, null from grants where lost is null and at between ?1 and ?2
       union all select person, person_id, noted_at, null, noted from met where noted_at between ?1 and ?2`,
      String(first),
      String(last),
    );
  }

  /**
   * Forgets that these were written, so that a run writes them again. `firstSeen` is of the first loss: what a human had
   * taken away before it stays away.
   */
  forget(writes: readonly Write[], firstSeen: string, between: readonly [string, string]): void {
    const since = ago(new Date(firstSeen), passMs);
    const taken = `exists (select 1 from cases c where c.person = ?1 and code = 'taken_away_in_hikcentral' and first < ?4
      and (closed is null or why = 'dropped'))`;
    for (const { person, personId, privilegeGroup, note } of writes) {
      if (privilegeGroup !== null) {
        const set = `update grants set lost = 1 where person = ?1 and person_id = ?2 and privilege_group = ?3 and not ${taken}`;
        this.rows(set, person, personId, privilegeGroup, since);
      } else if (note !== null) {
        const set = `update met set lost = 1 where person = ?1 and person_id = ?2 and noted = ?3 and not ${taken}`;
        this.rows(set, person, personId, note, since);
      }
    }
    this.rows("delete from faces where at > ? and at < ?", ...between);
    this.rows("delete from unchanged");
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
