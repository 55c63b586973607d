import { createHash } from "node:crypto";
import { reject } from "../errors.ts";
import type { Person } from "../hikcentral/types.ts";

/** 128 is what HikCentral takes of a remark. */
const maxRemark = 128;
const maxName = 256;

const codeText = (value: unknown): string | undefined =>
  typeof value === "string" || Number.isSafeInteger(value) ? String(value).trim() : undefined;

/** The personCode of an identity_number. Rejects with `bad_identity_number`; the text never quotes it. */
export function personCodeOf(value: unknown): string {
  const code = codeText(value);
  if (code === undefined)
    throw reject(
      "bad_identity_number",
      "identity_number is missing, or a number too large to be exact: send it as text",
    );
  if (!/^[\da-z]{1,16}$/i.test(code))
    throw reject("bad_identity_number", "identity_number is not 1 to 16 digits or letters: correct it in Eposh");
  if (/^(.)\1+$/.test(code))
    throw reject("bad_identity_number", "identity_number is one character repeated: correct it in Eposh");
  return code;
}

/** The KIB number, undefined where there is none. Rejects with `bad_kib_number` what is neither text nor a whole number. */
export function kibNumberOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const kib = codeText(value);
  if (kib === undefined || kib.length > 128)
    throw reject("bad_kib_number", "kib_number is neither a text of up to 128 characters nor a whole number");
  return kib || undefined;
}

/**
 * Rejects with `person_changed` unless this is still the person with that number: after a restore of HikCentral its
 * numbers may belong to others, also those in a message that was never delivered before.
 */
export function assertSamePerson(person: Pick<Person, "personId"> | undefined, personId: string): asserts person {
  if (person?.personId === personId) return;
  const text = `person ${personId} is not this employee in HikCentral any more; trigger the date again`;
  throw reject("person_changed", text);
}

export interface Names {
  givenName: string;
  familyName: string;
}

function cutTo(length: number, text: string): string {
  // n.b. toWellFormed: the cut may fall between the two halves of a character.
  return text.length <= length
    ? text
    : text
        .slice(0, length)
        .toWellFormed()
        .replace(/\ufffd$/, "")
        .trimEnd();
}

/** Given name = first word, family name = the rest or "-". */
export function namesIn(whole: string): Names {
  const [givenName = "", ...rest] = whole.trim().split(/\s+/);
  return { givenName, familyName: rest.join(" ") || "-" };
}

/** The names that HikCentral takes. `cut`: one was over 256 characters. Rejects with `bad_name`. */
export function namesOf(name: unknown): Names & { cut: boolean } {
  if (typeof name !== "string") throw reject("bad_name", "name is missing or not a text: correct it in Eposh");
  const clean = name
    .toWellFormed()
    .replaceAll("'", "’")
    .replace(/[/\\:*?"<>|\p{Cc}\s]+/gu, " ");
  if (!/[^\s\p{C}]/u.test(clean)) throw reject("bad_name", "name is empty without the characters HikCentral forbids");
  const whole = namesIn(clean);
  const [givenName, familyName] = [cutTo(maxName, whole.givenName), cutTo(maxName, whole.familyName)];
  return { givenName, familyName, cut: givenName !== whole.givenName || familyName !== whole.familyName };
}

const wordsOf = ({ givenName, familyName }: Names) =>
  `${givenName} ${familyName}`
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}'’‘`ʼ]/gu, "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** False when not one word agrees: then a mistyped NIK is likelier than a new name. Case, accents and punctuation do not count. */
export function sameName(a: Names, b: Names): boolean {
  const words = new Set(wordsOf(a));
  return wordsOf(b).some((word) => words.has(word));
}

/** What HikCentral's remark remembers for us, beside a human's text. */
export interface RemarkNote {
  /** When Eposh gave the data that was written last. */
  fetchedAt?: Date | undefined;
  /** Of the photo last sent. */
  photoMark?: string | undefined;
}

// Without the colons and dashes of ISO 8601, in case a remark is checked as names are: [hs 20260105T010203.456Z 1a2b3c4d]
const remarkNote = /\s*\[hs (-|\d{8}T\d{6}\.\d{3}Z) (-|[\da-f]{8})\]/;

/** `text` is the remark without our note. */
export function readRemark(remark: string, now = Date.now()): RemarkNote & { text: string } {
  const [note = "", at = "-", mark = "-"] = remarkNote.exec(remark) ?? [];
  const iso = at.replace(/^(....)(..)(..T..)(..)(.*)$/, "$1-$2-$3:$4:$5");
  const fetchedAt = new Date(iso);
  return {
    // NaN is no date; one to come is a clock that was wrong, and would lock the person for good.
    fetchedAt: fetchedAt.getTime() <= now + 3_600_000 ? fetchedAt : undefined,
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

const offset = /(Z|[+-]\d\d:?\d\d)$/;
const isoTime = /^(?<date>\d{4}-\d\d-\d\d)(?:[T ](?<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?<own>Z|[+-]\d\d:?\d\d)?)?$/;

/** NaN where it is no ISO time. One without an offset is taken to be at the other one's. */
function instant(time: string, other: string): number {
  const read = isoTime.exec(time.trim())?.groups;
  const { date, clock = "00:00", own = offset.exec(other.trim())?.[0] ?? "Z" } = read ?? {};
  return Date.parse(`${date}T${clock}${own.replace(/(\d\d)(\d\d)$/, "$1:$2")}`);
}

/** Whether an ISO time comes before another; false where one of them cannot be read. */
export const isBefore = (a: string, b: string): boolean => instant(a, b) < instant(b, a);

/** The same time in a form that HikCentral takes back: with an offset, `like`'s own. What cannot be read stays as it is. */
export function asTaken(time: string, like: string): string {
  const ms = instant(time, like);
  if (Number.isNaN(ms) || /T.*[+-]\d\d:\d\d$/.test(time)) return time;
  const zone = offset.exec(like)?.[0] ?? "+00:00";
  const there = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
  return there.toString({ timeZoneName: "never", smallestUnit: "second" });
}
