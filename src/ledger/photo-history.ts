import { photoMark } from "../people/remark.ts";
import type { PhotoHistory } from "../people/types.ts";
import type { Entry, Ledger } from "./ledger.ts";

/** Where nothing is remembered. */
export const noPhotoHistory: PhotoHistory = { sharedWith: () => 0, wasSent: () => false, noteSent: () => {} };

export function photosOf(ledger: Ledger, of: Pick<Entry, "code" | "kib" | "run">): PhotoHistory {
  const { code, kib = null, run = null } = of;
  if (code === undefined) return noPhotoHistory;
  const person = ledger.personKey(code);
  const at = () => ledger.now().toISOString();
  return {
    /** The first employee with the link got no warning, because it was not known yet: adds that warning now. */
    sharedWith(link) {
      const mark = photoMark(link);
      ledger.rows("insert or ignore into links values (?, ?, ?, ?, ?, 0, 0)", mark, person, run, kib, at());
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
