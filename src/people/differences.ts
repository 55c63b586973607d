import { changedNames, type Names } from "./names.ts";
import { hasRoomForMark, photoMark, type RemarkNote, readRemark } from "./remark.ts";
import { type TakenAwayOptions, takenAway } from "./taken-away.ts";
import type { Person, PhotoHistory, RecordOrder } from "./types.ts";
import { extended } from "./validity.ts";

/** A record of Eposh, as far as a person of HikCentral has the same. */
export interface RecordData {
  readonly names: Names;
  readonly kib: string | undefined;
  readonly link: string | undefined;
}

export interface ComparedWith extends TakenAwayOptions {
  readonly meta: RecordOrder & { readonly refreshFaces: boolean };
  readonly photo: Pick<PhotoHistory, "lastSent" | "pictureBehind">;
  readonly site: TakenAwayOptions["site"] & Pick<Person, "validFrom" | "validUntil">;
}

export interface Differences {
  readonly note: RemarkNote & { readonly text: string; readonly hasNote: boolean };
  /** Whether the remark has room for the mark of a picture. */
  readonly remembers: boolean;
  /** The mark of the picture that was sent last. */
  readonly sent: string | undefined;
  readonly rename: Partial<Names>;
  readonly otherPicture: boolean;
  readonly otherKib: boolean;
}

type Shown = Omit<Person, "raw">;

/** What of the record the person does not have. `kibThere` is the person's KIB. */
export function differencesOf(known: Shown, kibThere: string, record: RecordData, on: ComparedWith): Differences {
  const note = readRemark(known.remark);
  // A human's remark may leave no room for the mark. Then the ledger remembers, or the face is sent once too often.
  const remembers = hasRoomForMark(note.text, on.meta);
  const sent = remembers ? note.photoMark : on.photo.lastSent();
  return {
    note,
    remembers,
    sent,
    rename: changedNames(known, record.names),
    otherPicture: record.link !== undefined && !isKnown(record.link, sent, on),
    otherKib: record.kib !== undefined && record.kib !== kibThere,
  };
}

/** Whether the person has all that the record says, so that an update would change nothing, nor warn. */
export function hasAll(known: Shown, kibThere: string, record: RecordData, on: ComparedWith): boolean {
  const { rename, otherPicture, otherKib } = differencesOf(known, kibThere, record, on);
  const isRight = known.hasFace && !otherPicture && !otherKib;
  return isRight && Object.keys({ ...rename, ...extended(known, on.site) }).length === 0 && !takenAway(known, on);
}

/** Whether the link gave the picture that was sent last. n.b. Notes of 0.1 hold the mark of the link itself. */
function isKnown(link: string, sent: string | undefined, { meta, photo }: ComparedWith): boolean {
  if (sent === undefined || meta.refreshFaces) return false;
  return sent === photoMark(link) || sent === photo.pictureBehind(link);
}

/** Changes with the face in HikCentral, whoever replaces it; undefined where there is none. */
export function faceNote({ hasFace, pictureAddress, remark }: Person): string | undefined {
  return hasFace ? photoMark(`${pictureAddress} ${readRemark(remark).photoMark ?? "-"}`) : undefined;
}
