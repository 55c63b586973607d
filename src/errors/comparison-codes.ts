import type { CodeEntries } from "./code-entry.ts";

/** What the nightly comparison and `verify` find, beyond what a stage says too. */
export const comparisonCodes = {
  not_in_hikcentral: {
    meaning: "HikCentral has no person with the NIK of the employee.",
    todo: "Nothing: a run of the date adds the person again, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  face_missing: {
    meaning: "The person has no face in HikCentral, and Eposh has a photo.",
    todo: "Nothing: a run of the date sends the face again, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  face_outdated: {
    meaning: "Eposh has another photo than the one that was sent to HikCentral last.",
    todo: "Nothing: a run of the date sends the new photo, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  kib_differs: {
    meaning: "The person has another KIB number in HikCentral than in Eposh, or none. The text gives it.",
    todo: "Nothing: a run of the date writes the number of Eposh, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  validity_ended: {
    meaning: "The validity of the person ended before the last induction.",
    todo: "Nothing: a run of the date extends the validity, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  access_lost: {
    meaning:
      "A privilege group that was granted is missing, because HikCentral was restored to a backup from before the grant.",
    todo: "Nothing: a run of the date grants it again, and its result closes the case.",
    cure: "platform",
    kinds: ["warning"],
  },
  not_yet_valid: {
    meaning: "The validity of the person in HikCentral begins later. The comparison leaves it so.",
    todo: "Nothing, if that is intended. Otherwise set the begin in HikCentral, or trigger the date: a run lets the validity begin on its day.",
    cure: "setup",
    kinds: ["warning"],
  },
  name_differs: {
    meaning: "The person with the NIK of the employee has another name in HikCentral and may be another human being.",
    todo: "Trigger the date: the result is an `identity_conflict`, which you decide.",
    cure: "record",
    kinds: ["warning"],
  },
  kib_on_other_person: {
    meaning:
      "The KIB number of the employee is on a person with another NIK in HikCentral, and not on the employee's own.",
    todo: "Compare the two records. If it is the same human being, correct the NIK in Eposh or remove the other person in HikCentral.",
    cure: "record",
    kinds: ["warning"],
  },
  unmatched_member: {
    meaning:
      "A person without our note is in one of the privilege groups of `[regionals]`, no record of Eposh explains it, and the person was not there in the first comparison.",
    todo: "Find out who granted the access. If it is wrong, remove the person from the group in HikCentral. If it is right, drop the case: it stays closed.",
    cure: "setup",
    kinds: ["warning"],
  },
} satisfies CodeEntries;
