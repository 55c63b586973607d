/** A date is a text `YYYY-MM-DD`, a day of the site's calendar; a duration is a number of milliseconds. */

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** `500ms`, `5s`, `2m`, `1h`, `3d`, a whole number and one unit; anything else is undefined. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * unitsMs[unit as keyof typeof unitsMs];
}

/** In the largest unit that needs no fraction; `parseDuration` reads it back as the same duration. */
export function formatDuration(durationMs: number): string {
  for (const [unit, unitMs] of Object.entries(unitsMs))
    if (durationMs >= unitMs && durationMs % unitMs === 0) return `${durationMs / unitMs}${unit}`;
  return `${Math.round(durationMs)}ms`;
}

/** A requested date that is impossible; the text names the field and never its value. */
export class DateError extends Error {}

/** A day that is in the calendar, from 1900 to 2099. */
export function isDate(text: string): boolean {
  if (!/^(19|20)\d\d-\d\d-\d\d$/.test(text)) return false;
  try {
    return Temporal.PlainDate.from(text).toString() === text;
  } catch {
    return false;
  }
}

const relative = /^today(?:-(\d{1,3}))?$/;

/** A date, `today` or `today-7`. */
export const isDay = (text: string): boolean => relative.test(text) || isDate(text);

/** The date that `YYYY-MM-DD`, `today` or `today-7` means; a DateError names `field`. */
export function resolveDay(field: string, text: string, today: string): string {
  const match = relative.exec(text);
  if (match) return addDays(today, -Number(match[1] ?? 0));
  if (!isDate(text)) throw new DateError(`${field} must be a day of the calendar as YYYY-MM-DD, today or today-7`);
  return text;
}

export const addDays = (date: string, days: number): string => Temporal.PlainDate.from(date).add({ days }).toString();

/** Days from one date to a later one. */
export const daysBetween = (from: string, to: string): number =>
  Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to), { largestUnit: "days" }).days;

/** n.b. The first zone that the runtime looks up takes 14 ms: a start does not wait for those of Indonesia. */
const knownZones = new Set(["Asia/Jakarta", "Asia/Pontianak", "Asia/Makassar", "Asia/Jayapura"]);

export function isTimeZone(name: string): boolean {
  if (knownZones.has(name)) return true;
  try {
    return todayIn(name) !== "";
  } catch {
    return false;
  }
}

/** The date it is at `now` in a time zone. */
export const todayIn = (timeZone: string, now = new Date()): string =>
  now.toTemporalInstant().toZonedDateTimeISO(timeZone).toPlainDate().toString();

export interface Range {
  from: string;
  to: string;
  skip?: readonly string[] | undefined;
  maxDays: number;
  /** What `today` means. */
  today: string;
}

/**
 * The dates of a range in order, both ends included, without those to skip. Each may be `today` or `today-7`.
 * A DateError names from, to or skip.
 */
export function datesOf({ from, to, skip = [], maxDays, today }: Range): string[] {
  const first = resolveDay("from", from, today);
  const last = resolveDay("to", to, today);
  const skipped = new Set(skip.map((day) => resolveDay("skip", day, today)));
  if (first > last) throw new DateError("from is after to: ask for an earlier from or a later to");
  const days = daysBetween(first, last) + 1;
  if (days > maxDays)
    throw new DateError(`from and to span ${days} days, but at most ${maxDays} are allowed: ask for fewer`);
  const dates = Array.from({ length: days }, (_, index) => addDays(first, index));
  return dates.filter((date) => !skipped.has(date));
}

const atTime = (date: string, plainTime: string, timeZone: string): string =>
  Temporal.PlainDate.from(date)
    .toZonedDateTime({ timeZone, plainTime })
    .toString({ timeZoneName: "never", smallestUnit: "second" });

/** `2026-01-05T00:00:00+07:00`; where that day has no midnight, its first moment after. */
export const startOfDay = (date: string, timeZone: string): string => atTime(date, "00:00", timeZone);

/** `2026-01-05T23:59:59+07:00` */
export const endOfDay = (date: string, timeZone: string): string => atTime(date, "23:59:59", timeZone);
