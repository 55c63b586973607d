import { photoMark } from "../../people/remark.ts";
import type { PhotoHistory } from "../../people/types.ts";
import { type Other, warnOther, whoseOf } from "../cases/others.ts";
import type { Ledger } from "../ledger.ts";
import type { MemoryOf } from "../person-memory.ts";

/** Where nothing is remembered. */
export const noPhotoHistory: PhotoHistory = {
  sharedWith: () => 0,
  pictureBehind: () => undefined,
  notePicture: () => {},
  lastSent: () => undefined,
  noteSent: () => {},
};

const isWebAddress = (link: string) => /^https?:$/.test(URL.parse(link)?.protocol ?? "");

export function photosOf(ledger: Ledger, of: MemoryOf): PhotoHistory {
  const { code, kib = null, run } = of;
  if (code === undefined) return noPhotoHistory;
  const person = ledger.personKey(code);
  const at = () => ledger.now().toISOString();
  return {
    /** The first employee with the link got no warning, because the second one was not known yet: adds it now. */
    sharedWith(link) {
      // n.b. What people write who have no link, e.g. "-", is nobody's photo.
      if (!isWebAddress(link)) return 0;
      const mark = photoMark(link);
      const note = `insert into links (mark, person, run, kib, at, whose) values (?, ?, ?, ?, ?, ?)
        on conflict do update set run = excluded.run, kib = excluded.kib, at = excluded.at, whose = excluded.whose`;
      ledger.rows(note, mark, person, run ?? null, kib, at(), whoseOf(ledger, of));
      // Whoever came with another link in a later run has another photo by now.
      const find = `select person, kib, whose from links l where mark = ? and person <> ? and not exists
        (select 1 from links later where later.person = l.person and later.at > l.at and later.run is not l.run)`;
      const others = ledger.rows<Other>(find, mark, person);
      const text = "another employee has the same photo link: compare the two faces";
      // Whoever came after somebody else was warned then.
      const [first, ...warned] = others;
      if (first && warned.length === 0)
        warnOther(ledger, first, { stage: "create-person", code: "shared_photo", text, run });
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
