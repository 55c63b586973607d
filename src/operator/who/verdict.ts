import { wholeName } from "../../people/names.ts";
import type { Person } from "../../people/types.ts";
import { isBefore } from "../../people/validity.ts";
import { codeTextIn } from "../words/codes.ts";
import type { Times } from "../words/times.ts";
import { wordsIn } from "../words/words.ts";
import type { EposhRecord } from "./record.ts";

export interface Problem {
  code: string;
  text: string;
  stage: string;
  /** Whether it holds the person up, or only leaves something out. */
  isDead: boolean;
}

/** Everything that is known of one human being. */
export interface Human {
  name: string;
  kib: string | undefined;
  /** Undefined where Eposh has no record, or was not reached. */
  record: EposhRecord | undefined;
  /** Live from HikCentral: undefined where there is none, null where it could not be read. */
  person: (Person & { kib: string; groups: readonly string[] | undefined }) | undefined | null;
  /** Eposh does not answer, so the NIK to look for in HikCentral is not known. */
  isUnread: boolean;
  /** The one in HikCentral who has the NIK and is another human being. */
  other: NonNullable<Human["person"]> | undefined;
  /** The groups of the zones that Eposh gives. */
  wanted: readonly string[];
  problems: readonly Problem[];
  /** Whether the daemon has the person in hand: the stage after which it waits. */
  waits: boolean;
  /** A word in HikCentral's remark that means: leave this person alone. */
  handsOff: string | undefined;
}

/** Why somebody cannot enter, the gravest first. */
export type Reason =
  | {
      why:
        | "unreachable"
        | "eposh_away"
        | "on_the_way"
        | "not_inducted"
        | "missing"
        | "no_groups"
        | "no_access"
        | "no_face";
    }
  | { why: "ended"; until: string }
  | { why: "hands_off"; word: string }
  | { why: "conflict"; name: string; kib: string }
  | { why: "code"; code: string };

export interface Verdict {
  /** Undefined where that cannot be known now. */
  canEnter: boolean | undefined;
  reason: Reason | undefined;
}

/** From the live state in HikCentral; what happened on the way explains it. */
export function verdictOf(human: Human, now: Date): Verdict {
  const { person, other, problems, record, waits, handsOff, wanted, isUnread } = human;
  const cannot = (reason: Reason): Verdict => ({ canEnter: false, reason });
  const dead = problems.find(({ isDead }) => isDead);
  if (other) return cannot({ why: "conflict", name: wholeName(other), kib: other.kib });
  if (person === null) return { canEnter: undefined, reason: { why: "unreachable" } };
  if (person === undefined) {
    if (dead) return cannot({ why: "code", code: dead.code });
    if (waits) return cannot({ why: "on_the_way" });
    if (isUnread) return { canEnter: undefined, reason: { why: "eposh_away" } };
    return cannot({ why: record ? "missing" : "not_inducted" });
  }
  if (handsOff !== undefined) return cannot({ why: "hands_off", word: handsOff });
  if (isBefore(person.validUntil, now.toISOString()))
    return cannot({ why: "ended", until: person.validUntil.slice(0, 10) });
  const about = (codes: readonly string[]) => problems.find(({ code }) => codes.includes(code))?.code;
  const lacking = (codes: readonly string[], why: "no_access" | "no_face") => {
    const code = about(codes) ?? (waits ? undefined : dead?.code);
    return cannot(code ? { why: "code", code } : { why: waits ? "on_the_way" : why });
  };
  const { groups } = person;
  if (groups !== undefined && groups.length === 0) {
    if (record && wanted.length === 0) return cannot({ why: "no_groups" });
    return lacking(accessCodes, "no_access");
  }
  if (!person.hasFace) return lacking(faceCodes, "no_face");
  return {
    canEnter: groups === undefined ? undefined : true,
    reason: groups === undefined ? { why: "unreachable" } : undefined,
  };
}

export const accessCodes = [
  "no_regionals",
  "unknown_regional",
  "too_many_zones",
  "privilege_group_missing",
  "taken_away_in_hikcentral",
];
export const faceCodes =
  "no_photo photo_host_not_allowed face_refused face_not_stored photo_missing photo_unusable".split(" ");

/** `Budi Santoso (KIB 2600001)` */
export const labelOf = ({ name, kib }: { name: string; kib: string | undefined }): string =>
  kib ? `${name} (KIB ${kib})` : name;

/** The one sentence that the page and the command begin with. */
export function whoSentence(human: Human, { canEnter, reason }: Verdict, times: Times): string {
  const { who } = wordsIn(times.language);
  const label = labelOf(human);
  if (canEnter === true) return who.can(label);
  if (reason === undefined) return label;
  const { because, todo } = reasonText(reason, times);
  return canEnter === undefined ? who.unknown(label, because, todo) : who.cannot(label, because, todo);
}

function reasonText(reason: Reason, times: Times): { because: string; todo: string } {
  const { reasons } = wordsIn(times.language).who;
  switch (reason.why) {
    case "ended":
      return reasons.ended(times.date(reason.until));
    case "hands_off":
      return reasons.hands_off(reason.word);
    case "conflict":
      return reasons.conflict(labelOf(reason));
    case "code": {
      const text = codeTextIn(reason.code, times.language);
      return text ? { because: text.meaning, todo: text.todo } : reasons.own(reason.code);
    }
    default:
      return reasons[reason.why];
  }
}
