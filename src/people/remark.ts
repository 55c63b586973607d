import { plausible } from "../util/plausible.ts";
import type { RecordOrder } from "./types.ts";

/** 128 is what HikCentral takes of a remark. */
const maxRemark = 128;

/** Our note in HikCentral's remark, beside a human's text: which record was written last. */
export interface RemarkNote extends RecordOrder {
  /** Of the photo last sent. */
  readonly photoMark?: string | undefined;
}

// Without the colons and dashes of ISO 8601, in case a remark is checked as names are. Version 1 had no induction date:
// [hs 20260105T010203.456Z 1a2b3c4d], [hs2 20260105 20260105T010203.456Z 1a2b3c4d], of a second record 20260105.1
const remarkNote =
  /\s*\[hs(?: |2 (?<date>-|\d{8})(?:\.(?<repeat>\d{1,4}))? )(?<at>-|\d{8}T\d{6}\.\d{3}Z) (?<mark>-|[\da-f]{8})\]/;

/** `text` is the remark without our note; `hasNote` whether there is one. */
export function readRemark(remark: string, now = new Date()): RemarkNote & { text: string; hasNote: boolean } {
  const found = remarkNote.exec(remark);
  const { date = "-", repeat = "0", at = "-", mark = "-" } = found?.groups ?? {};
  // n.b. Where there is none it is an invalid date, which is not plausible either.
  const fetchedAt = new Date(at.replace(/^(....)(..)(..T..)(..)(.*)$/, "$1-$2-$3:$4:$5"));
  const inducted = date === "-" ? undefined : date.replace(/^(....)(..)(..)$/, "$1-$2-$3");
  // An induction may be planned, but a note far ahead would hold back every later one.
  const isBelieved = inducted !== undefined && Date.parse(inducted) <= now.getTime() + maxAheadMs;
  return {
    inducted: isBelieved ? inducted : undefined,
    repeat: isBelieved ? Number(repeat) : undefined,
    fetchedAt: plausible(fetchedAt, now),
    photoMark: mark === "-" ? undefined : mark,
    text: remark.replace(found?.[0] ?? "", "").trim(),
    hasNote: found !== null,
  };
}

const maxAheadMs = 366 * 86_400_000;

/** The remark with our note after a human's text; without room for both, the text alone as it is. */
export function writeRemark(text: string, { inducted, repeat, fetchedAt, photoMark }: RemarkNote): string {
  if (inducted === undefined && fetchedAt === undefined && photoMark === undefined) return text;
  const date = (inducted ?? "-").replaceAll("-", "") || "-";
  const which = repeat ? `${date}.${repeat}` : date;
  const note = `[hs2 ${which} ${fetchedAt?.toISOString().replace(/[-:]/g, "") ?? "-"} ${photoMark ?? "-"}]`;
  const remark = text === "" ? note : `${text} ${note}`;
  return remark.length > maxRemark ? text : remark;
}

/** Whether the mark of a picture has room in the remark too. */
export function hasRoomForMark(text: string, order: RecordOrder): boolean {
  const anyMark = "00000000";
  return readRemark(writeRemark(text, { ...order, photoMark: anyMark })).photoMark === anyMark;
}

/** Eight characters that tell one photo link from another. */
export const photoMark = (link: string): string =>
  new Bun.CryptoHasher("sha256").update(link).digest("hex").slice(0, 8);
