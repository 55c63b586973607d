import { namesOf } from "../people/names.ts";
import { photoMark, readRemark } from "../people/remark.ts";
import { samePerson } from "../people/same-person.ts";
import { takenAway } from "../people/taken-away.ts";
import type { ShownPerson } from "../people/types.ts";
import { isBefore } from "../people/validity.ts";
import type { Compared, Difference, Recalled } from "./difference.ts";
import type { Expected } from "./expected.ts";

/** What was compared of an employee, and whether it is right. */
export interface Finding extends Pick<Difference, "code" | "text"> {
  what: Compared;
  isRight: boolean;
  canBeFixed: boolean;
  /** The induction date whose run puts it right, where that is not the last one. */
  date?: string;
}

export interface JudgeOptions {
  kibOf: (person: ShownPerson) => string;
  /** Privilege group → its members, undefined where the partner may not read them. */
  members: ReadonlyMap<string, ReadonlySet<string> | undefined>;
  handsOff: readonly string[];
  now: Date;
}

/** One employee against the person in HikCentral. Without a finding of access, that was not compared. */
export function judge(
  person: ShownPerson | undefined,
  expected: Expected,
  recalled: Recalled,
  options: JudgeOptions,
): Finding[] {
  const missing = { what: "person", code: "not_in_hikcentral", text: "no such person" } as const;
  if (!person) return [{ ...missing, isRight: false, canBeFixed: true }];
  const { name, kib, birth } = expected;
  const kibThere = options.kibOf(person);
  const verdict = samePerson({ ...namesOf(name), kib }, { ...person, kib: kibThere }, birth);
  const isNamed = verdict.same || verdict.reason === "birth_date";
  const taken = takenFrom(person, expected, recalled, options);
  const canBeFixed = isNamed && taken === undefined;
  const another = { what: "person", code: "name_differs", text: "the person has another name" } as const;
  const otherKib = { what: "kib", code: "kib_differs", text: `KIB is ${kibThere || "empty"}` } as const;
  return [
    { ...another, isRight: isNamed, canBeFixed: false },
    { ...faceOf(person, expected, recalled), canBeFixed },
    { ...otherKib, isRight: kib === undefined || kibThere === kib, canBeFixed },
    ...accessOf(person, expected, recalled.lost ?? [], options, canBeFixed),
    { ...validityOf(person, taken, options.now, canBeFixed), what: "validity" },
  ];
}

function takenFrom(person: ShownPerson, { date }: Expected, { lastInducted }: Recalled, options: JudgeOptions) {
  const memory = { lastInducted: () => lastInducted };
  return takenAway(person, { meta: { inducted: date }, memory, site: options }, options.now);
}

function faceOf({ hasFace, remark }: ShownPerson, { photo }: Expected, recalled: Recalled) {
  const none = { what: "face", code: "face_missing", text: "no face" } as const;
  if (!hasFace || photo === undefined) return { ...none, isRight: photo === undefined || hasFace };
  const { photoMark: sent } = readRemark(remark);
  const { picture, otherPicture, hasOtherPhoto = false } = recalled;
  const replaced = { what: "face", code: "face_outdated", text: "another picture is behind the photo link" } as const;
  if (otherPicture !== undefined) return { ...replaced, isRight: sent === otherPicture };
  // n.b. Notes of 0.1 hold the mark of the link itself.
  const isOlder = sent !== undefined && picture !== undefined && sent !== picture && sent !== photoMark(photo);
  const older = { what: "face", code: "face_outdated", text: "Eposh has another photo" } as const;
  return { ...older, isRight: !hasOtherPhoto && !isOlder };
}

/** The privilege groups that should have the person and whose lists do not show him. */
export const missingFrom = (
  { groups }: Expected,
  { personId }: ShownPerson,
  members: JudgeOptions["members"],
): string[] => [...groups.keys()].filter((group) => members.get(group)?.has(personId) === false);

function accessOf(
  person: ShownPerson,
  expected: Expected,
  lost: readonly string[],
  { members }: JudgeOptions,
  canBeFixed: boolean,
): Finding[] {
  const { groups } = expected;
  const missing = missingFrom(expected, person, members);
  if (missing.length === 0) {
    const isUnchecked = groups.keys().some((group) => members.get(group) === undefined);
    const right = { what: "access", code: "taken_away_in_hikcentral", text: "", isRight: true } as const;
    return isUnchecked ? [] : [{ ...right, canBeFixed: false }];
  }
  /** A run of that date grants what HikCentral has lost; what a human took away stays away. */
  const dateOf = (group: string) => (lost.includes(group) ? groups.get(group) : undefined);
  return [...Map.groupBy(missing, dateOf)].map(([date, those]) => {
    const text = `not in privilege group ${those.join(", ")}`;
    const what = { what: "access", isRight: false } as const;
    if (date === undefined) return { ...what, text, code: "taken_away_in_hikcentral", canBeFixed: false };
    return { ...what, text: `${text} since HikCentral was restored`, code: "access_lost", canBeFixed, date };
  });
}

/** An end that nobody wanted to last is extended by a run; a later begin may be wanted. */
function validityOf({ validFrom, validUntil }: ShownPerson, taken: string | undefined, now: Date, canBeFixed: boolean) {
  const at = now.toISOString();
  const day = (time: string) => time.slice(0, 10);
  if (taken !== undefined)
    return { code: "taken_away_in_hikcentral", text: taken, isRight: false, canBeFixed: false } as const;
  if (isBefore(validUntil, at))
    return {
      code: "validity_ended",
      text: `the validity ended on ${day(validUntil)}`,
      isRight: false,
      canBeFixed,
    } as const;
  const text = `not valid before ${day(validFrom)}`;
  return { code: "not_yet_valid", text, isRight: !isBefore(at, validFrom), canBeFixed: false } as const;
}
