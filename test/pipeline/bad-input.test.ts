import { afterAll, describe, expect, test } from "bun:test";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, startSite } from "../support/site.ts";

const site = await startSite();
afterAll(() => site[Symbol.asyncDispose]());

const born = "1990-01-31";
let people = 0;
/** Another NIK and KIB number for each, and a photo of their own of that kind. */
function somebody(kind = "kib"): Body {
  const number = String(++people).padStart(6, "0");
  const link = `${site.eposh.origin}/photos/${kind}/-1767${number}.png`;
  return budi(site, { identity_number: nikOf(people, born), kib_number: `26${number}`, photo: { link } });
}

interface Case {
  what: string;
  /** Instead of an ordinary employee's; undefined leaves the field out. */
  given: Body;
  photo?: string;
  warnings?: string[];
  /** Of HikCentral's person. */
  person?: Body;
  /** What the operator reads of it. */
  says?: RegExp;
}
const faceless = (what: string, photo: string, says: RegExp): Case => ({
  what,
  given: {},
  photo,
  warnings: ["no_photo"],
  person: { hasFace: false, groups: ["1", "2", "8"] },
  says,
});
const named = (what: string, name: string, personGivenName: string, personFamilyName: string): Case => ({
  what,
  given: { name },
  person: { personGivenName, personFamilyName },
});
const withoutKib = (what: string, kib_number: unknown): Case => ({
  what,
  given: { kib_number },
  warnings: ["no_kib"],
  person: { kib: "", groups: ["1", "2", "8"] },
  says: /has no KIB number in Eposh: the field is unchanged/,
});

describe("somebody with bad data who is a person all the same:", () => {
  test.each<Case>([
    named("a name of one word", "Suharti", "Suharti", "-"),
    named("a name with an apostrophe", "Nur'aini Ma'ruf", "Nur’aini", "Ma’ruf"),
    named("a name of Chinese characters", "陈大文", "陈大文", "-"),
    named("a name with forbidden characters", 'Budi/Contoh:"A"', "Budi", "Contoh A"),
    {
      what: "a name of 300 characters",
      given: { name: `Budi ${"x".repeat(295)}` },
      warnings: ["name_cut"],
      person: { personGivenName: "Budi", personFamilyName: "x".repeat(256) },
      says: /the name is longer than HikCentral accepts and was cut/,
    },
    { what: "a NIK as a safe number", given: { identity_number: Number(nikOf(900, born)) }, person: { hasFace: true } },
    { what: "a passport", given: { identity_number: "A0480213" }, person: { hasFace: true } },
    {
      what: "a NIK without a date of birth",
      given: { identity_number: "3201020000000050" },
      warnings: ["odd_identity_number"],
      person: { hasFace: true, groups: ["1", "2", "8"] },
      says: /has no date of birth in its digits 7 to 12: compare it with the identity card/,
    },
    {
      what: "an identity number of 9 digits",
      given: { identity_number: "480213480" },
      warnings: ["unusual_identity_number"],
      person: { hasFace: true, groups: ["1", "2", "8"] },
      says: /has 9 digits instead of 16: is it a foreign passport\?/,
    },
    {
      what: "a birth date that is not the one in the NIK",
      given: { birth_date: { ymd: "1990-01-30" } },
      warnings: ["birth_date_differs"],
      person: { hasFace: true, groups: ["1", "2", "8"] },
      says: /birth_date is not the date of birth in the NIK/,
    },
    { what: "a KIB number as a number", given: { kib_number: 2699001 }, person: { kib: "2699001" } },
    ...["KIB/021/I/2026", "26A0001", "2".repeat(33), 1.5, "x".repeat(129), ["1"], {}, true].map((kib_number) => ({
      what: `KIB number ${JSON.stringify(kib_number).slice(0, 40)}, which the field does not take`,
      given: { kib_number },
      warnings: ["bad_kib_number"],
      person: { kib: "", hasFace: true, groups: ["1", "2", "8"] },
      says: /the KIB field of person \d+ is unchanged: /,
    })),
    withoutKib("no KIB number", undefined),
    withoutKib("KIB number null", null),
    withoutKib("an empty KIB number", ""),
    { what: "birth date null", given: { birth_date: null } },
    { what: "no birth date", given: { birth_date: undefined } },
    faceless("a photo of 20 MB", "huge", /the photo is over the size limit of 10485760 bytes \(photo.max_bytes\)/),
    faceless("a PNG bomb", "bomb", /has no face: the photo .*pixels/),
    faceless("an HTML page called .png", "page", /the photo is not a PNG, JPEG or WebP/),
    faceless("a photo that is not there", "missing", /has no photo behind the link \(404\)/),
    faceless("a JPEG without its end", "endless", /incomplete JPEG: upload it again in Eposh/),
    faceless("a PNG with a bad CRC", "damaged", /damaged PNG: upload it again in Eposh/),
    ...[null, undefined, {}, [], "http://127.0.0.1/a.png", 7, { link: null }, { link: "" }, { link: 7 }].map(
      (photo) => ({
        ...faceless(`photo ${JSON.stringify(photo)}`, "kib", /the record has no photo link/),
        given: { photo },
      }),
    ),
    ...[[], null, undefined, {}, "tuks", 7].map((regionals) => ({
      what: `regionals ${JSON.stringify(regionals)}`,
      given: { regionals },
      warnings: ["no_regionals"],
      person: { groups: [], hasFace: true },
      says: /has no zone in Eposh: no access is granted/,
    })),
    {
      what: "an unknown zone beside one that is known",
      given: { regionals: [{ name: "Zona IX", slug: "zona-ix" }, { slug: "tuks" }] },
      warnings: ["unknown_regional"],
      person: { groups: ["8"] },
      says: /zone zona-ix has no privilege group; add it to \[regionals\]/,
    },
    {
      what: "zones that are texts beside one that is one",
      given: { regionals: ["zona-i", 7, null, { slug: "tuks" }] },
      warnings: ["unknown_regional", "unknown_regional", "unknown_regional"],
      person: { groups: ["8"], hasFace: true },
      says: /zone without a slug has no privilege group/,
    },
    {
      what: "zones with null and missing fields",
      given: { regionals: [{ name: null, slug: null }, {}, { name: null, slug: "tuks" }] },
      warnings: ["unknown_regional", "unknown_regional"],
      person: { groups: ["8"] },
      says: /zone without a slug has no privilege group/,
    },
  ])("$what", async ({ given, photo, warnings = [], person = {}, says }) => {
    const before = site.output().length;
    const employee = { ...somebody(photo), ...given };
    expect(await site.employ(employee)).toEqual({ end: "done", warnings });
    expect(site.person(String(employee.identity_number))).toMatchObject(person);
    if (says) expect(site.output().slice(before)).toMatch(says);
  });
});

describe("somebody who cannot be a person is a dead letter with its body, and the text names the field:", () => {
  test.each<[string, Body, string, RegExp]>([
    ["name null", { name: null }, "bad_name", /name is missing or not a text: correct it in Eposh/],
    ["no name", { name: undefined }, "bad_name", /name is missing or not a text: correct it in Eposh/],
    [
      "a name of forbidden characters only",
      { name: '/\\:*?"<>|' },
      "bad_name",
      /name has no letter: correct it in Eposh/,
    ],
    ...[".", "-", "…", "😀", "2600001"].map((name): [string, Body, string, RegExp] => [
      `the name ${name}, which has no letter`,
      { name },
      "bad_name",
      /name has no letter: correct it in Eposh/,
    ]),
    ["NIK null", { identity_number: null }, "bad_identity_number", /identity_number is missing; correct it in Eposh/],
    ["no NIK", { identity_number: undefined }, "bad_identity_number", /identity_number is missing/],
    [
      "a NIK of 17 characters",
      { identity_number: "35000000000000011" },
      "bad_identity_number",
      /identity_number has 17 digits instead of 16; correct it in Eposh/,
    ],
    [
      "a NIK of sixteen zeros",
      { identity_number: "0".repeat(16) },
      "bad_identity_number",
      /identity_number repeats one character: it is a placeholder; correct it in Eposh/,
    ],
    [
      "a NIK that lacks a digit",
      { identity_number: "320102310190000" },
      "bad_identity_number",
      /has 15 digits instead of 16: digits are missing; correct it in Eposh/,
    ],
    [
      "a NIK that a spreadsheet rounded",
      { identity_number: 3.20102e15 },
      "bad_identity_number",
      /ends in 0000, which no NIK does: a spreadsheet may have rounded it/,
    ],
    ["NIK NA", { identity_number: "NA" }, "bad_identity_number", /is neither 16 digits nor a passport number/],
  ])("%s", async (_, given, code, says) => {
    const before = site.output().length;
    const employee = { ...somebody(), ...given };
    expect(await site.employ(employee)).toEqual({ end: code, warnings: [] });
    const bodies = (await site.bodies("hikvision_create_person.dead")).map(
      (body) => JSON.parse(body) as { employee: Body },
    );
    expect(bodies.at(-1)?.employee).toMatchObject(given.name === undefined ? {} : given);
    const [line = ""] = site
      .output()
      .slice(before)
      .split("\n")
      .filter((text) => text.includes("(dead letter)"));
    expect(line).toMatch(says);
    expect(line).not.toMatch(/\d{16}/);
  });
});

describe("what two have in common:", () => {
  test("one NIK on two records of one person with another KIB number: one person with the later one", async () => {
    const rina = somebody();
    await site.employ(rina);
    expect(await site.employ({ ...rina, kib_number: "2699777" })).toEqual({ end: "done", warnings: [] });
    const found = site.hikcentral.state().persons.filter(({ personCode }) => personCode === rina.identity_number);
    expect(found).toMatchObject([{ kib: "2699777" }]);
  });

  test("one photo link: both have the face, and a warning on both says to compare them", async () => {
    const [one, two] = [somebody("shared"), somebody()];
    expect(await site.employ(one)).toEqual({ end: "done", warnings: [] });
    expect(await site.employ({ ...two, photo: one.photo })).toEqual({ end: "done", warnings: ["shared_photo"] });
    const told = site.daemon.ledger.rows<{ kib: string; text: string }>(
      "select kib, text from events where code = 'shared_photo' order by kib",
    );
    const text = "another employee has the same photo link: compare the two faces";
    expect(told).toEqual([one, two].map(({ kib_number }) => ({ kib: String(kib_number), text })));
  });
});
