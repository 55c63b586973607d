import { type Employee, employee, nikOf } from "./people.ts";

/** An employee with bad data, and what must happen to the record. */
export interface OddPerson {
  what: string;
  /** Complete, complete with a warning, or a dead letter; the last two by code. */
  expect: "done" | `warning:${string}` | `dead:${string}`;
  /** Instead of an ordinary employee's; undefined leaves the field out. */
  fields: Employee;
  /** What is behind the photo's link: a photo ("kib", "shared"), a key of `wrecks`, or nothing ("missing"). */
  photo: string;
}

const odd = (expect: OddPerson["expect"], what: string, fields: Employee = {}, photo = "kib"): OddPerson => ({
  what,
  expect,
  fields,
  photo,
});
const ymd = "1990-01-31";
const bornThen = (number: number) => ({ identity_number: nikOf(95_000 + number, ymd), birth_date: { ymd } });
const twins = [bornThen(3), { ...bornThen(4), name: "Rina Contoh" }];
export const unsafeNumber = "9171010101900003";

export const oddPeople: readonly OddPerson[] = [
  odd("dead:bad_name", "name null", { name: null }),
  odd("dead:bad_name", "name missing", { name: undefined }),
  odd("done", "name of one word", { name: "Suharti" }),
  odd("warning:name_cut", "name of 300 characters", { name: `Budi ${"Contoh".repeat(50)}`.slice(0, 300) }),
  odd("done", "name with an apostrophe", { name: "Nur'aini Contoh Ma'ruf" }),
  odd("done", "name of Chinese characters", { name: "陈大文" }),
  odd("dead:bad_name", "name of forbidden characters", { name: '/\\ :*?"<>|' }),
  odd("dead:bad_name", "name without a letter", { name: "…" }),
  odd("done", "birth date null", { birth_date: null }),
  odd("dead:bad_identity_number", "NIK null", { identity_number: null }),
  odd("dead:bad_identity_number", "NIK of 17 characters", { identity_number: `${nikOf(95_001, ymd)}0` }),
  odd("dead:bad_identity_number", "NIK that lacks a digit", { identity_number: nikOf(95_001, ymd).slice(1) }),
  odd("dead:bad_identity_number", "NIK that is a word", { identity_number: "BELUM ADA" }),
  odd("dead:bad_identity_number", "NIK of zeros", { identity_number: "0".repeat(16) }),
  odd("dead:bad_identity_number", "NIK as an unsafe number", { identity_number: unsafeNumber }),
  odd("done", "NIK as a safe number", { ...bornThen(2), identity_number: Number(nikOf(95_002, ymd)) }),
  odd("done", "NIK as a spreadsheet writes it", { ...bornThen(5), identity_number: `'${nikOf(95_005, ymd)}` }),
  odd("done", "NIK of a passport", { identity_number: "A0480213" }),
  odd("warning:unusual_identity_number", "NIK of 9 digits", { identity_number: "480213480" }),
  odd("warning:odd_identity_number", "NIK without a date of birth", { identity_number: "3500000000000007" }),
  odd("warning:birth_date_differs", "birth date of somebody else", { birth_date: { ymd: "1969-12-31" } }),
  odd("warning:no_kib", "KIB missing", { kib_number: undefined }),
  odd("warning:no_kib", "KIB null", { kib_number: null }),
  odd("warning:no_kib", "KIB empty", { kib_number: "" }),
  odd("done", "KIB as a number", { kib_number: 2_699_001 }),
  odd("warning:bad_kib_number", "KIB with letters", { kib_number: "26A9002" }),
  odd("warning:no_regionals", "regionals empty", { regionals: [] }),
  odd("warning:no_regionals", "regionals null", { regionals: null }),
  odd("warning:unknown_regional", "regional unknown", { regionals: [{ name: "Zona IX", slug: "zona-ix" }] }),
  odd("warning:no_photo", "photo null", { photo: null }),
  odd("warning:no_photo", "photo of 20 MB", {}, "huge"),
  odd("warning:no_photo", "photo is a PNG bomb", {}, "bomb"),
  odd("warning:no_photo", "photo is a page", {}, "page"),
  odd("warning:no_photo", "photo is not there", {}, "missing"),
  odd("warning:no_photo", "photo is a JPEG without its end", {}, "endless"),
  odd("warning:no_photo", "photo is a PNG with a bad CRC", {}, "damaged"),
  odd("warning:shared_photo", "photo shared", {}, "shared"),
  odd("warning:shared_photo", "photo shared, again", {}, "shared"),
  odd("done", "NIK of two people", { ...twins[0], name: "Joko Prabowo, S.T." }),
  odd("done", "KIB changed", twins[1]),
];
/** They share a NIK with one above. They are inducted a day later, because the NIKs of one date must be distinct. */
export const laterOddPeople: readonly OddPerson[] = [
  odd("dead:identity_conflict", "NIK of two people, again", { ...twins[0], name: "Wati Halim, S.T." }),
  odd("done", "KIB changed, again", twins[1]),
];

/** Employees numbered from `first`, with photos under `links`. */
export const oddEmployees = (people: readonly OddPerson[], first: number, links: string): Employee[] =>
  people.map(({ photo, fields }, index) => {
    const stamp = 1_767_600_000 + first + (photo === "shared" ? 0 : index);
    return { ...employee(first + index, 0, `${links}/${photo}/-${stamp}.png`), ...fields };
  });
