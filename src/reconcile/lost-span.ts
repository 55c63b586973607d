/** The time of a write that HikCentral no longer shows although no human takes such a write back, in milliseconds. */
export interface Undone {
  readonly at: number;
  /** HikCentral has given the person's number again, or shows an earlier note of ours in the remark. */
  readonly how: "number" | "note";
}

export interface Writes {
  readonly undone: readonly Undone[];
  /** When this daemon wrote what HikCentral still shows. */
  readonly standing: readonly number[];
}

/** Both ends are outside. */
export interface LostSpan {
  readonly after: number;
  readonly before: number;
}

/** Within it no human takes access away, and no backup begins or is restored. */
export const besideMs = 120_000;
const weights = { number: 2, note: 1 };
/** HikCentral never gives a number twice by itself; a note may come back with a list that a human imports. */
const minWeight = 2;

/**
 * The time whose writes HikCentral has lost, because it was restored to a backup: from just before the first write that
 * only a restore undoes to just after the last one, and no further than to a write that stands. In doubt undefined: what
 * is missing was then taken away by a human. A restore loses all of a time: with a write that stands among the lost ones
 * it was something else.
 */
export function lostSpan({ undone, standing }: Writes): LostSpan | undefined {
  if (undone.reduce((sum, { how }) => sum + weights[how], 0) < minWeight) return undefined;
  const [first, last] = undone.reduce(
    ([least, most], { at }) => [Math.min(least, at), Math.max(most, at)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  let [after, before] = [first - besideMs, last + besideMs];
  for (const at of standing) {
    if (at >= first && at <= last) return undefined;
    if (at < first) after = Math.max(after, at);
    else before = Math.min(before, at);
  }
  return { after, before };
}
