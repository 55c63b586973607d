import type { CodeEntries } from "./code-entry.ts";

/** About one employee: the record, the photo, and the person that the record belongs to. */
export const recordCodes = {
  bad_employee: {
    meaning: "The record of the employee is no object with fields.",
    todo: "Correct it in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["dead letter"],
  },
  bad_identity_number: {
    meaning: "The NIK is missing, is a placeholder, lacks digits, or is neither a NIK nor a passport number.",
    todo: "Correct the NIK in Eposh, then trigger the date. The text says what is wrong with it.",
    cure: "record",
    kinds: ["dead letter"],
  },
  odd_identity_number: {
    meaning: "The NIK contains no date of birth. Some real ones do not.",
    todo: "Compare it with the identity card. If it is wrong, correct it in Eposh and trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  unusual_identity_number: {
    meaning: "The identity number has 6 to 12 digits: it may be a foreign passport, or a NIK that lacks digits.",
    todo: "Compare it with the passport. If it is wrong, correct it in Eposh and trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  birth_date_differs: {
    meaning: "The `birth_date` of the record is not the date of birth that the NIK contains.",
    todo: "Compare both with the identity card and correct the wrong one in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  niks_rounded: {
    meaning: "All NIKs of a date end in 0: a spreadsheet has rounded them. Nobody of that date was sent on.",
    todo: "Correct the NIKs in Eposh, trigger the date, then drop the dead letter.",
    cure: "record",
    kinds: ["dead letter"],
  },
  bad_kib_number: {
    meaning:
      "The KIB number is neither text nor a whole number, or the KIB field in HikCentral does not accept it. The field was not changed; access was granted.",
    todo: "Correct the number in Eposh, or the type of the field in HikCentral, then trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  bad_name: {
    meaning: "The name is missing, is not text, or has no letter that HikCentral accepts.",
    todo: "Correct the name in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["dead letter"],
  },
  name_cut: {
    meaning: "The name is longer than HikCentral accepts and was cut.",
    todo: "Nothing, or shorten the name in Eposh.",
    cure: "record",
    kinds: ["warning"],
  },
  identity_conflict: {
    meaning:
      "HikCentral has a person with this NIK, or Eposh another record of that date, who may be another human being. The text gives both names and both KIB numbers.",
    todo: "Find out whose NIK is wrong, then decide the case: on the page under Cases, or `hikvision-sync dead decide ID` with `same`, `record-wrong` or `person-wrong`. A wrong NIK is corrected in Eposh, a wrong person in HikCentral.",
    cure: "record",
    kinds: ["dead letter"],
  },
  person_not_visible: {
    meaning: "HikCentral has a person with this NIK but does not show the person to the partner.",
    todo: "Allow the partner to see the organisation of that person in HikCentral, then replay.",
    cure: "setup",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  person_changed: {
    meaning: "The number of this person now belongs to somebody else in HikCentral, for example after a restore.",
    todo: "Trigger the date, then drop the dead letter.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  person_not_seen: {
    meaning: "HikCentral does not find a person by the NIK with which the person was just added.",
    todo: "Replay. If it happens again, look for the person in HikCentral.",
    cure: "platform",
    isOfOne: true,
    kinds: ["dead letter"],
  },
  no_photo: {
    meaning:
      "The employee has no usable photo. The person gets no face, or with `photo.required` is not created. Where the text says until when the photo is tried again, the face follows by itself and closes the case.",
    todo: "Upload a photo in Eposh, then trigger the date; after an expired link the trigger alone. The text says why there is none.",
    cure: "record",
    kinds: ["dead letter", "warning"],
  },
  photo_missing: {
    meaning: "The photo link leads to nothing. Only a stage of your own fails with it; ours warn with `no_photo`.",
    todo: "Upload a photo in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["dead letter"],
  },
  photo_unusable: {
    meaning:
      "The photo is too large, damaged or no photo. Only a stage of your own fails with it; ours warn with `no_photo`.",
    todo: "Upload another photo in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["dead letter"],
  },
  photo_not_updated: {
    meaning: "The new photo is not usable, so the person keeps the old face.",
    todo: "Upload another photo in Eposh, then trigger the date. The text says what is wrong with this one.",
    cure: "record",
    kinds: ["dead letter", "warning"],
  },
  shared_photo: {
    meaning: "Another employee has the same photo link.",
    todo: "Compare the two faces. If one is wrong, upload the right photo in Eposh and trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  face_refused: {
    meaning: "HikCentral refused the face.",
    todo: "Upload another photo in Eposh and trigger the date, or upload a face by hand in HikCentral.",
    cure: "record",
    kinds: ["warning"],
  },
  face_not_stored: {
    meaning: "HikCentral accepted the face twice and shows none.",
    todo: "Upload the face by hand in HikCentral.",
    cure: "platform",
    kinds: ["warning"],
  },
  no_kib: {
    meaning: "The employee has no KIB number in Eposh. The KIB field in HikCentral was not changed.",
    todo: "Enter the number in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  taken_away_in_hikcentral: {
    meaning:
      "Somebody has taken the person out of use in HikCentral: the validity has ended, a group that we granted is missing, or the remark has a word of `guard.hands_off`. It stays so.",
    todo: "Nothing, if that is right. A later induction restores an ended validity and a group; otherwise extend, grant, or remove the word in HikCentral.",
    cure: "setup",
    kinds: ["warning"],
  },
  kib_in_use: {
    meaning: "Another person in HikCentral has this KIB number too. The text names the other one.",
    todo: "Compare the two records in Eposh, correct the wrong one, and remove a person who was left over from HikCentral.",
    cure: "record",
    kinds: ["warning"],
  },
  no_regionals: {
    meaning: "The employee has no zone in Eposh, so the person gets no access.",
    todo: "Enter a zone in Eposh, then trigger the date.",
    cure: "record",
    kinds: ["warning"],
  },
  too_many_zones: {
    meaning:
      "The record names more zones, or the message more privilege groups, than any person has. The first 100 are used.",
    todo: "Find out who wrote the record in Eposh, or which program published the message.",
    cure: "record",
    kinds: ["warning"],
  },
  unknown_regional: {
    meaning: "A zone of the employee has no privilege group in the configuration.",
    todo: "Add the slug of the zone to `[regionals]`, reload, then trigger the date.",
    cure: "setup",
    kinds: ["warning"],
  },
  access_not_applied: {
    meaning: "HikCentral refused to send the access of the person to the devices.",
    todo: "Apply the access in HikCentral. The text gives the code of the refusal.",
    cure: "setup",
    kinds: ["warning"],
  },
} satisfies CodeEntries;
