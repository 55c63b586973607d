import { expect, test } from "bun:test";
import fc from "fast-check";
import { Reject } from "../../src/errors.ts";
import { kibNumberOf, usableKibOf } from "../../src/people/kib.ts";
import { namesOf } from "../../src/people/names.ts";
import { photoMark, readRemark, writeRemark } from "../../src/people/remark.ts";
import { isBefore } from "../../src/people/validity.ts";

const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof Reject) return thrown.code;
  }
  return undefined;
};
const forbidden = /['/\\:*?"<>|\p{Cc}]/u;
const text = fc.string({ unit: "binary", maxLength: 600 });
const odd = fc.oneof(
  text,
  fc.string({ unit: fc.constantFrom("'", "/", "|", " ", "a", "\t", "😀", "\ud800"), maxLength: 600 }),
);

test.each<[unknown, string | undefined]>([
  ["2600001", "2600001"],
  [" 2600001 ", "2600001"],
  [2600001, "2600001"],
  ["AB-1", "AB-1"],
  ["", undefined],
  ["  ", undefined],
  [null, undefined],
  [undefined, undefined],
])("kib_number %j is %j", (value, kib) => {
  expect(kibNumberOf(value)).toBe(kib);
});

test("a kib_number that is neither text nor a whole number is rejected", () => {
  for (const value of [1.5, 2 ** 53, true, {}, [], "x".repeat(129)])
    expect([codeOf(() => kibNumberOf(value)), usableKibOf(value)]).toEqual(["bad_kib_number", undefined]);
  expect(usableKibOf(" 2600001 ")).toBe("2600001");
});

test.each([
  ["Budi Contoh Santoso", "Budi", "Contoh Santoso"],
  ["Budi", "Budi", "-"],
  ["  Siti   Contoh ", "Siti", "Contoh"],
  ["Nur'aini O'Contoh", "Nur’aini", "O’Contoh"],
  ["Budi/Contoh <Satu>", "Budi", "Contoh Satu"],
  ["王小明", "王小明", "-"],
])("%s becomes %s and %s", (name, givenName, familyName) => {
  expect(namesOf(name)).toEqual({ givenName, familyName, cut: false });
});

test("a name of 300 characters is cut to 256 and says so, and no character is halved", () => {
  expect(namesOf("x".repeat(300))).toEqual({ givenName: "x".repeat(256), familyName: "-", cut: true });
  const { givenName, familyName } = namesOf(`x${"😀".repeat(200)} ${"y".repeat(257)}`);
  expect(givenName).toBe(`x${"😀".repeat(127)}`);
  expect(familyName).toHaveLength(256);
});

test("a name that is missing, or has no letter, is rejected", () => {
  const without = [".", "-", "…", "😀", "2600001", "ʼ", "'", `${".".repeat(300)}a`];
  for (const name of [undefined, null, 5, "", "  ", '/\\:*?"<>|', "\u200b\u0000", ...without])
    expect(codeOf(() => namesOf(name))).toBe("bad_name");
});

test("names hold nothing forbidden, have 1 to 256 characters and stay what they are", () => {
  fc.assert(
    fc.property(odd, (name) => {
      if (codeOf(() => namesOf(name)) === "bad_name") return;
      const names = namesOf(name);
      for (const part of [names.givenName, names.familyName]) {
        expect(part).not.toMatch(forbidden);
        expect(part.isWellFormed()).toBe(true);
        expect(part.length).toBeGreaterThan(0);
        expect(part.length).toBeLessThanOrEqual(256);
        expect(part).toBe(part.trim());
      }
      expect(namesOf(`${names.givenName} ${names.familyName}`)).toEqual({ ...names, cut: false });
    }),
  );
});

const time = fc.date({ min: new Date(0), max: new Date("2026-01-01"), noInvalidDate: true });
const link = fc.webUrl();

const note = fc.record({
  inducted: fc.option(
    time.map((at) => at.toISOString().slice(0, 10)),
    { nil: undefined },
  ),
  fetchedAt: fc.option(time, { nil: undefined }),
  photoMark: fc.option(link.map(photoMark), { nil: undefined }),
});

test("a remark remembers the record and the photo beside a human's text", () => {
  const human = fc.string({ maxLength: 76 }).map((written) => written.trim());
  fc.assert(
    fc.property(human, note, fc.nat(9999), (text, given, nth) => {
      const repeat = given.inducted === undefined ? undefined : nth;
      const remark = writeRemark(text, { ...given, repeat });
      expect(remark.length).toBeLessThanOrEqual(128);
      const hasNote = Object.values(given).some((value) => value !== undefined);
      expect(readRemark(remark)).toEqual({ ...given, repeat, text, hasNote });
    }),
  );
});

const nothing = { inducted: undefined, repeat: undefined, fetchedAt: undefined, photoMark: undefined };

test("a human's text without room for more stays as it is", () => {
  const text = "x".repeat(128);
  expect(writeRemark(text, { fetchedAt: new Date() })).toBe(text);
  expect(readRemark(text)).toEqual({ ...nothing, text, hasNote: false });
});

test("what a human writes after our note is kept, and a damaged note is his text", () => {
  const remark = `${writeRemark("gate 3", { photoMark: "0a1b2c3d" })} and more`;
  expect(readRemark(remark)).toEqual({ ...nothing, photoMark: "0a1b2c3d", text: "gate 3 and more", hasNote: true });
  expect(readRemark("[hs 20269905T010203.456Z -]").fetchedAt).toBeUndefined();
  for (const text of ["[hs nonsense]", "[hs2 20260105 -]", "[hs3 20260105 - -]"])
    expect(readRemark(text)).toEqual({ ...nothing, text, hasNote: false });
});

test("a note of 0.1 is read, and has no induction date", () => {
  const fetchedAt = new Date("2026-01-05T01:02:03.456Z");
  expect(readRemark("kunci 7 [hs 20260105T010203.456Z 1a2b3c4d]")).toEqual({
    ...nothing,
    fetchedAt,
    photoMark: "1a2b3c4d",
    text: "kunci 7",
    hasNote: true,
  });
});

test.each([
  ["2030-12-30T23:00:00+07:00", "2030-12-31T00:00:00+07:00", true],
  ["2030-12-31T00:00:00+07:00", "2030-12-31T00:00:00+07:00", false],
  ["2030-12-31T00:00:00+0800", "2030-12-31T00:00:00+07:00", true],
  ["2030-12-31T00:00:00+07:00", "2030-12-30T17:00:00Z", false],
  ["2030-12-30T23:59:59+07:00", "2030-12-31 00:00:00", true],
  ["2030-12-31T00:00", "2030-12-31T00:00:01+07:00", true],
  ["2030-12-31", "2030-12-31T00:00:00+07:00", false],
  ["2030-12-31", "2030-12-31T00:00:01+07:00", true],
  // What cannot be read is neither: it is left alone.
  ["", "2030-12-31T00:00:00+07:00", false],
  ["never", "2030-12-31T00:00:00+07:00", false],
  ["05/01/2031", "2031-03-01T00:00:00+07:00", false],
  ["1924905599000", "2030-12-31T00:00:00+07:00", false],
  ["2030-13-31", "2030-12-31T00:00:00+07:00", false],
  ["2030-12-31T00:00:00+07:00", "", false],
])("that %s comes before %s is %j", (a, b, before) => {
  expect(isBefore(a, b)).toBe(before);
});

test("a time that is still to come is not remembered: a fast clock must not lock a person", () => {
  const later = new Date(Date.now() + 10 * 86_400_000);
  expect(readRemark(writeRemark("", { fetchedAt: later })).fetchedAt).toBeUndefined();
  expect(readRemark(writeRemark("", { inducted: "2099-01-01", repeat: 3 }))).toMatchObject({
    inducted: undefined,
    repeat: undefined,
  });
});
