import { createHash } from "node:crypto";
import { plausible } from "../util/plausible.ts";

/** 128 is what HikCentral takes of a remark. */
const maxRemark = 128;

/** Our note in HikCentral's remark, beside a human's text. */
export interface RemarkNote {
  /** When Eposh gave the data that was written last. */
  fetchedAt?: Date | undefined;
  /** Of the photo last sent. */
  photoMark?: string | undefined;
}

// Without the colons and dashes of ISO 8601, in case a remark is checked as names are: [hs 20260105T010203.456Z 1a2b3c4d]
const remarkNote = /\s*\[hs (-|\d{8}T\d{6}\.\d{3}Z) (-|[\da-f]{8})\]/;

/** `text` is the remark without our note. */
export function readRemark(remark: string, now = new Date()): RemarkNote & { text: string } {
  const [note = "", at = "-", mark = "-"] = remarkNote.exec(remark) ?? [];
  const iso = at.replace(/^(....)(..)(..T..)(..)(.*)$/, "$1-$2-$3:$4:$5");
  const fetchedAt = new Date(iso);
  return {
    // n.b. Where there is none it is an invalid date, which is not plausible either.
    fetchedAt: plausible(fetchedAt, now),
    photoMark: mark === "-" ? undefined : mark,
    text: remark.replace(note, "").trim(),
  };
}

/** The remark with our note after a human's text; without room for both, the text alone as it is. */
export function writeRemark(text: string, { fetchedAt, photoMark }: RemarkNote): string {
  if (fetchedAt === undefined && photoMark === undefined) return text;
  const note = `[hs ${fetchedAt?.toISOString().replace(/[-:]/g, "") ?? "-"} ${photoMark ?? "-"}]`;
  const remark = text === "" ? note : `${text} ${note}`;
  return remark.length > maxRemark ? text : remark;
}

/** Eight characters that tell one photo link from another. */
export const photoMark = (link: string): string => createHash("sha256").update(link).digest("hex").slice(0, 8);
