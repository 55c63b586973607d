import { photoMark } from "../people/person.ts";
import type { Envelope } from "../pipeline/envelope.ts";
import { noMemory, type Photos } from "../upstreams/photos.ts";
import type { Ledger } from "./ledger.ts";

/** What is remembered of an employee's photos. Only hints: without them nobody is warned, and a face is sent once more. */
export function photosOf(ledger: Ledger, of: Pick<Envelope, "code" | "kib" | "run">): Omit<Photos, "fetch"> {
  const { code, kib = null, run = null } = of;
  if (code === undefined) return noMemory;
  const person = ledger.personKey(code);
  const at = () => ledger.now().toISOString();
  return {
    /** The first who came with it was not warned, because nobody could know: that is made up for here. */
    sharedWith(link) {
      const mark = photoMark(link);
      ledger.rows("insert or ignore into links values (?, ?, ?, ?, ?, 0)", mark, person, run, kib, at());
      const find = "select told from links where mark = ? and person <> ?";
      const others = ledger.rows<{ told: number }>(find, mark, person);
      if (others.some(({ told }) => told === 0)) {
        const text = "another employee has the same photo link: compare the two faces";
        const warn = `insert into events (at, run, person, kib, kind, stage, outcome, attempt, code, text)
          select ?, run, person, kib, 'person', 'create-person', 'warning', 0, 'shared_photo', ?
          from links where mark = ? and told = 0 and person <> ?`;
        ledger.rows(warn, at(), text, mark, person);
        ledger.rows("update links set told = 1 where mark = ?", mark);
      }
      return others.length;
    },
    wasSent: (link) =>
      ledger.rows("select 1 from faces where person = ? and mark = ?", person, photoMark(link)).length > 0,
    noteSent(link) {
      ledger.rows("insert or replace into faces values (?, ?, ?)", person, photoMark(link), at());
    },
  };
}
