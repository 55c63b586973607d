import { photoMark } from "../people/remark.ts";
import type { PhotoHistory } from "../people/types.ts";
import type { Ledger } from "./ledger.ts";
import type { Entry } from "./subjects.ts";

interface Other {
  person: string;
  run: string | null;
  kib: string | null;
  told: number;
}

/** Where nothing is remembered. */
export const noPhotoHistory: PhotoHistory = {
  sharedWith: () => 0,
  pictureBehind: () => undefined,
  notePicture: () => {},
  lastSent: () => undefined,
  noteSent: () => {},
};

const isWebAddress = (link: string) => /^https?:$/.test(URL.parse(link)?.protocol ?? "");

export function photosOf(ledger: Ledger, of: Pick<Entry, "code" | "kib" | "run">): PhotoHistory {
  const { code, kib = null, run = null } = of;
  if (code === undefined) return noPhotoHistory;
  const person = ledger.personKey(code);
  const at = () => ledger.now().toISOString();
  return {
    /** The first employee with the link got no warning, because it was not known yet: adds that warning now. */
    sharedWith(link) {
      // n.b. What people write who have no link, e.g. "-", is nobody's photo.
      if (!isWebAddress(link)) return 0;
      const mark = photoMark(link);
      const note = "insert or ignore into links (mark, person, run, kib, at) values (?, ?, ?, ?, ?)";
      ledger.rows(note, mark, person, run, kib, at());
      const find = "select person, run, kib, told from links where mark = ? and person <> ?";
      const others = ledger.rows<Other>(find, mark, person);
      const untold = others.filter(({ told }) => told === 0);
      if (untold.length > 0) {
        const text = "another employee has the same photo link: compare the two faces";
        ledger.write(() => {
          for (const { person, run, kib } of untold)
            ledger.items.warn({ person, run: run ?? undefined, kib, at: at() }, "shared_photo", text);
        });
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
