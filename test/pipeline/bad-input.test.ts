import { afterAll, describe, expect, test } from "bun:test";
import { type Body, budi, startSite } from "../support/site.ts";

const site = await startSite();
afterAll(() => site[Symbol.asyncDispose]());

let people = 0;
/** Another NIK and KIB number for each, and a photo of their own of that kind. */
function somebody(kind = "kib"): Body {
  const number = String(++people).padStart(6, "0");
  const link = `${site.eposh.origin}/photos/${kind}/-1767${number}.png`;
  return budi(site, { identity_number: `3500000000${number}`, kib_number: `26${number}`, photo: { link } });
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
    { what: "a NIK as a safe number", given: { identity_number: 3500000000990001 }, person: { hasFace: true } },
    { what: "a KIB number as a number", given: { kib_number: 2699001 }, person: { kib: "2699001" } },
    withoutKib("no KIB number", undefined),
    withoutKib("KIB number null", null),
    withoutKib("an empty KIB number", ""),
    { what: "birth date null", given: { birth_date: null } },
    { what: "no birth date", given: { birth_date: undefined } },
    faceless("a photo of 20 MB", "huge", /the photo is over the size limit of 10485760 bytes \(photo.max_bytes\)/),
    faceless("a PNG bomb", "bomb", /the person has no face: the photo .*pixels/),
    faceless("an HTML page called .png", "page", /the photo is not a PNG, JPEG or WebP/),
    faceless("a photo that is not there", "missing", /has no photo behind the link \(404\)/),
    faceless("a JPEG without its end", "endless", /incomplete JPEG: upload it again in Eposh/),
    faceless("a PNG with a bad CRC", "damaged", /damaged PNG: upload it again in Eposh/),
    ...[null, undefined, {}, { link: null }, { link: "" }].map((photo) => ({
      ...faceless(`photo ${JSON.stringify(photo)}`, "kib", /the record has no photo link/),
      given: { photo },
    })),
    ...[[], null, undefined].map((regionals) => ({
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
      /name has no character that HikCentral accepts/,
    ],
    ["NIK null", { identity_number: null }, "bad_identity_number", /identity_number is missing, or a number too large/],
    ["no NIK", { identity_number: undefined }, "bad_identity_number", /identity_number is missing/],
    [
      "a NIK of 17 characters",
      { identity_number: "35000000000000011" },
      "bad_identity_number",
      /identity_number is not 1 to 16 digits or letters: correct it in Eposh/,
    ],
    [
      "a NIK of sixteen zeros",
      { identity_number: "0".repeat(16) },
      "bad_identity_number",
      /identity_number is one character repeated: correct it in Eposh/,
    ],
    [
      "a KIB number with letters where the field takes digits",
      { kib_number: "26A0001" },
      "bad_kib_number",
      /the custom field "KIB" accepts only digits, 32 at most/,
    ],
    [
      "a KIB number that is a list",
      { kib_number: ["1"] },
      "bad_employee",
      /kib_number must be .*; correct it in Eposh/,
    ],
    ["regionals that are a text", { regionals: "tuks" }, "bad_employee", /regionals must be Array; correct/],
  ])("%s", async (_, given, code, says) => {
    const before = site.output().length;
    const employee = { ...somebody(), ...given };
    expect(await site.employ(employee)).toEqual({ end: code, warnings: [] });
    const queue = code === "bad_kib_number" ? "hikvision_update_kib" : "hikvision_create_person";
    const bodies = (await site.bodies(`${queue}.dead`)).map((body) => JSON.parse(body) as { employee: Body });
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
  test("one NIK on two different people: the second is a dead letter, and the first stays as he is", async () => {
    const [joko, wati] = [somebody(), somebody()];
    const { identity_number } = joko;
    expect(await site.employ({ ...joko, name: "Joko Prabowo" })).toEqual({ end: "done", warnings: [] });
    const before = site.person(String(identity_number));
    expect(await site.employ({ ...wati, identity_number, name: "Wati Halim" })).toEqual({
      end: "identity_conflict",
      warnings: [],
    });
    expect(site.person(String(identity_number))).toEqual(before);
    expect(site.output()).toMatch(
      /has this NIK and another name; correct the NIK in Eposh or the person in HikCentral/,
    );
  });

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
