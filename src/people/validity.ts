import type { Person } from "./types.ts";

const offset = /(Z|[+-]\d\d:?\d\d)$/;
const isoTime = /^(?<date>\d{4}-\d\d-\d\d)(?:[T ](?<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?<own>Z|[+-]\d\d:?\d\d)?)?$/;

/** NaN where `time` is not an ISO time. Without an offset it has that of `other`. */
function instant(time: string, other: string): number {
  const read = isoTime.exec(time.trim())?.groups;
  const { date, clock = "00:00", own = offset.exec(other.trim())?.[0] ?? "Z" } = read ?? {};
  return Date.parse(`${date}T${clock}${own.replace(/(\d\d)(\d\d)$/, "$1:$2")}`);
}

/** Whether an ISO time comes before another; false where one of them cannot be read. */
export const isBefore = (a: string, b: string): boolean => instant(a, b) < instant(b, a);

/** The same time in a form that HikCentral takes back: with an offset, `like`'s own. What cannot be read stays as it is. */
function asTaken(time: string, like: string): string {
  const ms = instant(time, like);
  if (Number.isNaN(ms) || /T.*[+-]\d\d:\d\d$/.test(time)) return time;
  const zone = offset.exec(like)?.[0] ?? "+00:00";
  const there = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
  return there.toString({ timeZoneName: "never", smallestUnit: "second" });
}

type Validity = Pick<Person, "validFrom" | "validUntil">;

/** Both times of a person as HikCentral takes them back; what it did not give is left out. */
export const timesAsTaken = ({ validFrom, validUntil }: Validity, like: Validity): Partial<Validity> => ({
  ...(validFrom && { validFrom: asTaken(validFrom, like.validFrom) }),
  ...(validUntil && { validUntil: asTaken(validUntil, like.validUntil) }),
});

/** What of the known person's validity must change, so that it covers the wanted one: it is never shortened. */
export const extended = (known: Validity, wanted: Validity): Partial<Validity> => ({
  ...(isBefore(known.validUntil, wanted.validUntil) && { validUntil: wanted.validUntil }),
  ...(isBefore(wanted.validFrom, known.validFrom) && { validFrom: wanted.validFrom }),
});
