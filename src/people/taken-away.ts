import { readRemark } from "./remark.ts";
import type { Person, PersonMemory, RecordOrder } from "./types.ts";
import { isBefore } from "./validity.ts";

export interface TakenAwayOptions {
  readonly meta: RecordOrder;
  readonly memory: Pick<PersonMemory, "lastInducted">;
  /** Words of a remark that mean: leave this person alone. */
  readonly site: { readonly handsOff: readonly string[] };
}

/**
 * Why a human has taken the person out of use in HikCentral, so that nothing is changed, extended or granted; undefined
 * where nobody has. An induction after the end of the validity, and after all that we know of, lifts the end.
 */
export function takenAway(
  { personId, remark, validUntil }: Pick<Person, "personId" | "remark" | "validUntil">,
  { meta, memory, site }: TakenAwayOptions,
  now = new Date(),
): string | undefined {
  const note = readRemark(remark, now);
  const word = site.handsOff.find((one) => note.text.toLowerCase().includes(one.toLowerCase()));
  if (word !== undefined) return `person ${personId} has ${word} in the remark: nothing is changed or granted`;
  if (!isBefore(validUntil, now.toISOString())) return undefined;
  // The note of 0.1 has only the time of the fetch.
  const noted = note.inducted ?? note.fetchedAt?.toISOString().slice(0, 10);
  const known = [validUntil.slice(0, 10), noted, memory.lastInducted()];
  if (known.every((day) => day === undefined || isLater(meta, day))) return undefined;
  return `the validity of person ${personId} ended on ${validUntil.slice(0, 10)}: nothing is changed or granted until a later induction`;
}

/** Whether the record is of an induction after that day. In doubt it is not. */
export const isLater = ({ inducted }: RecordOrder, day: string): boolean => inducted !== undefined && inducted > day;
