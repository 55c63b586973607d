import { photoMark } from "../people/remark.ts";
import type { PhotoHistory } from "../people/types.ts";
import type { Ledger } from "./ledger.ts";
import type { Entry } from "./subjects.ts";

/** Where nothing is remembered. */
export const noPhotoHistory: PhotoHistory = {
  sharedWith: () => 0,
  pictureBehind: () => undefined,
  notePicture: () => {},
  lastSent: () => undefined,
  noteSent: () => {},
};

export function photosOf(ledger: Ledger, of: Pick<Entry, "code" | "kib" | "run">): PhotoHistory {
  const { code, kib = null, run = null } = of;
  if (code === undefined) return noPhotoHistory;
  const person = ledger.personKey(code);
  const at = () => ledger.now().toISOString();
  return {
    /** The first employee with the link got no warning, because it was not known yet: adds that warning now. */
    sharedWith(link) {
      const mark = photoMark(link);
      const note = "insert or ignore into links (mark, person, run, kib, at) values (?, ?, ?, ?, ?)";
      ledger.rows(note, mark, person, run, kib, at());
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
    pictureBehind(link) {
      const find = "select picture from links where mark = ? and person = ?";
      return ledger.rows<{ picture: string | null }>(find, photoMark(link), person)[0]?.picture ?? undefined;
    },
    notePicture(link, mark) {
      ledger.rows("update links set picture = ? where mark = ? and person = ?", mark, photoMark(link), person);
    },
    lastSent: () => ledger.rows<{ mark: string }>("select mark from faces where person = ?", person)[0]?.mark,
    noteSent(mark) {
      ledger.rows("insert or replace into faces values (?, ?, ?)", person, mark, at());
    },
  };
}
