import type { PersonMemory, RecordOrder } from "./types.ts";

/**
 * Whether `a` is older than `b`, whose data then stays: the later induction wins, of one date the last record in Eposh's
 * list, and of one record the later fetch. Where a date is unknown, as in the notes of 0.1, the fetch alone decides.
 */
export function isOlder(a: RecordOrder, b: RecordOrder): boolean {
  if (a.inducted !== undefined && b.inducted !== undefined) {
    if (a.inducted !== b.inducted) return a.inducted < b.inducted;
    const [first, second] = [a.repeat ?? 0, b.repeat ?? 0];
    if (first !== second) return first < second;
  }
  return a.fetchedAt !== undefined && b.fetchedAt !== undefined && a.fetchedAt < b.fetchedAt;
}

/** Of a message: `superseded` where a newer record of this employee has passed its stage. */
export interface MessageOrder extends RecordOrder {
  readonly superseded: boolean;
}

/**
 * Whether the message may overwrite what the noted record left in HikCentral. One without headers, e.g. of a Python worker,
 * overwrites only where the note names no record.
 */
export function mayOverwrite(message: MessageOrder, note: RecordOrder, memory: Pick<PersonMemory, "hasLeft">): boolean {
  if (message.superseded) return false;
  const isUnknown = ({ inducted, fetchedAt }: RecordOrder) => inducted === undefined && fetchedAt === undefined;
  if (isUnknown(message)) return isUnknown(note);
  return !isOlder(message, note) || (isLaterFetch(message, note) && memory.hasLeft(note));
}

/** Why a message overwrites what the noted record left, in words. */
export function reasonOf(message: RecordOrder, note: RecordOrder & { readonly hasNote: boolean }): string {
  const { inducted, fetchedAt } = message;
  if (!note.hasNote) return "the person was made by hand";
  if (fetchedAt?.getTime() === note.fetchedAt?.getTime()) return "with the other data of this record";
  if (note.inducted === undefined || inducted === undefined) return "the record has changed since it was written last";
  if (inducted !== note.inducted) return `another induction: ${inducted} instead of ${note.inducted}`;
  return "the record was corrected in Eposh";
}

const isLaterFetch = ({ fetchedAt: a }: RecordOrder, { fetchedAt: b }: RecordOrder): boolean =>
  a !== undefined && b !== undefined && a > b;
