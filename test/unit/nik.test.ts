import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Reject } from "../../src/errors.ts";
import { birthAgreement, niksRounded, normalNik, personCodeOf, readNik, usableNikOf } from "../../src/people/nik.ts";
import { parseJson } from "../../src/util/exact-json.ts";

const warningsOf = (value: unknown) => readNik(value).warnings.map(({ code }) => code);
/** The text of the refusal; undefined where the value is taken. */
function refusalOf(value: unknown): string | undefined {
  try {
    readNik(value);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Reject && thrown.code === "bad_identity_number") return thrown.message;
    throw thrown;
  }
}

describe("a NIK that is taken", () => {
  test.each([
    ["a man's", "3201023101900001", "310190"],
    ["a woman's", "3201027101900001", "310190"],
    ["of 29 February", "3201022902960001", "290296"],
    ["of 29 February 2000", "3201022902000001", "290200"],
    ["of the first province", "1101010101900001", "010190"],
    ["of the last province", "9701010101900001", "010190"],
    ["as a safe number", 3201023101900001, "310190"],
    ["in full-width digits", "３２０１０２３１０１９００００１", "310190"],
    ["with blanks in it", " 3201 0231 0190 0001\t", "310190"],
    ["with no-break blanks", "320102\u00a0310190\u202f0001", "310190"],
    ["with zero-width characters", "\ufeff3201\u200b0231\u200d01900001\u2060", "310190"],
    ["with a spreadsheet's apostrophe", "'3201023101900001", "310190"],
    ["with a typographic apostrophe", "’3201023101900001", "310190"],
    ["with a prime for an apostrophe", "′3201023101900001", "310190"],
    ["with blanks that no program shows", "\u31643201\u28000231\u115f0190\ufe0f0001", "310190"],
  ])("%s", (_, value, born) => {
    const code = normalNik(value) ?? "";
    expect(code).toMatch(/^\d{16}$/);
    expect(readNik(value)).toEqual({ code, born, warnings: [] });
  });

  test.each([
    ["a passport", "A1234567"],
    ["a passport of two letters", "AB123456"],
    ["a passport that begins as a word does", "NO1234567"],
    ["a passport of five characters", "A1234"],
    ["a KITAS", "2C21JE1234AX"],
    ["in full-width characters", "Ａ１２３４５６７"],
    ["of 16 characters", "ABCDEFGHIJKL1234"],
  ])("%s", (_, value) => {
    expect(readNik(value)).toEqual({ code: value.normalize("NFKC"), born: undefined, warnings: [] });
  });

  test.each([
    ["without a date of birth", "3201020000000050", "odd_identity_number"],
    ["without a date of birth, a woman's", "3201024000000050", "odd_identity_number"],
    ["with month 13", "3201020113900001", "odd_identity_number"],
    ["with month 0", "3201023100900001", "odd_identity_number"],
    ["with day and month exchanged", "3201020125900001", "odd_identity_number"],
    ["of 6 digits", "480213", "unusual_identity_number"],
    ["of 7 digits, as a KIB has", "2600001", "unusual_identity_number"],
    ["of 12 digits", "480213480213", "unusual_identity_number"],
    ["of 9 digits, as a number", 480213480, "unusual_identity_number"],
  ])("%s, with a warning", (_, value, warning) => {
    expect(warningsOf(value)).toEqual([warning as never]);
    expect(readNik(value)).toMatchObject({ code: String(value), born: undefined });
  });
});

describe("a NIK that is refused, and never quoted", () => {
  test.each<[string, unknown, RegExp]>([
    ["missing", undefined, /is missing/],
    ["null", null, /is missing/],
    ["empty", "", /is missing/],
    ["blank", " \u200b ", /is missing/],
    ["an apostrophe", "'", /is missing/],
    ["a hyphen", "-", /is neither/],
    ["NA", "NA", /is neither/],
    ["N/A", "N/A", /is neither/],
    ["an unsafe number", 2 ** 53 + 2, /too large to be exact/],
    ["an unsafe number that kept its digits", parseJson("9171010101900003"), /too large to be exact/],
    ["a number that a spreadsheet rounded", parseJson("3201020000000000.0"), /ends in 0000/],
    ["such a number in short", parseJson("3.20102e15"), /ends in 0000/],
    ["such a number as text", "3.20102E+15", /is neither/],
    ["a fraction", 1.5, /too large to be exact/],
    ["negative", -5, /is neither/],
    ["an object", { nik: "3201023101900001" }, /too large to be exact/],
    ["true", true, /too large to be exact/],
    ["of 5 digits", "48021", /has 5 digits/],
    ["of 13 digits", "3201023101902", /has 13 digits instead of 16: digits are missing/],
    ["of 14 digits", "32010231019020", /digits are missing/],
    ["of 15 digits", "320102310190000", /digits are missing/],
    ["of 17 digits", "32010231019000011", /has 17 digits/],
    ["of hundreds of digits", "32".repeat(400), /has 800 digits/],
    ["of province 10", "1001023101900001", /no province/],
    ["of province 98", "9801023101900001", /no province/],
    ["of province 00", "0001023101900001", /no province/],
    ["of serial 0000", "3201023101900000", /ends in 0000/],
    ["of day 0", "3201020001900001", /no date of birth/],
    ["of day 32", "3201023201900001", /no date of birth/],
    ["of day 40", "3201024001900001", /no date of birth/],
    ["of day 72", "3201027201900001", /no date of birth/],
    ["of day 99", "3201029901900001", /no date of birth/],
    ["of 31 April", "3201023104900001", /no date of birth/],
    ["of 29 February 1990", "3201022902900001", /no date of birth/],
    ["of day 99 and month 99", "3201029999990001", /no date of birth/],
    ["sixteen zeros", "0000000000000000", /repeats one character/],
    ["sixteen nines", "9999999999999999", /repeats one character/],
    ["all ones but the last", "1111111111111112", /repeats one character/],
    ["all ones but one in the middle", "1111111211111111", /repeats one character/],
    ["six equal digits", "111111", /repeats one character/],
    ["equal letters and a digit", "XXXXXXX1", /repeats one character/],
    ["a letter before zeros", "A0000000", /repeats one character/],
    ["ascending", "1234567890123456", /counts up or down/],
    ["ascending from zero", "0123456789012345", /counts up or down/],
    ["descending", "9876543210987654", /counts up or down/],
    ["short and ascending", "123456", /counts up or down/],
    ["short and descending", "87654321", /counts up or down/],
    ["a word", "BELUMADA", /is a word/],
    ["two words", "BELUM ADA", /is a word/],
    ["a word and digits", "TEST0001", /is a word/],
    ["a word and digits in small letters", "belum2026", /is a word/],
    ["KTP and digits", "KTP480213", /is a word/],
    ["several words and digits", "belum punya 2026", /is a word/],
    ["abbreviated words and digits", "TDK ADA 2026", /is a word/],
    ["a foreigner's letters and digits", "WNA0001", /is a word/],
    ["crosses and digits", "XXXX2013", /is a word/],
    ["with a hyphen", "3201-0231-0190-0001", /is neither/],
    ["with dots", "3201.0231.0190.0001", /is neither/],
    ["with an O for a zero", "32O1023101900001X", /is neither/],
    ["of letters with three digits", "ABCDE123", /is neither/],
    ["of four characters", "A123", /is neither/],
    ["of 17 characters", "ABCDEFGHIJKLM1234", /is neither/],
    ["with an umlaut", "Ü1234567", /is neither/],
    ["in Arabic digits", "٣٢٠١٠٢٣١٠١٩٠٠٠٠١", /is neither/],
  ])("%s", (_, value, text) => {
    expect(refusalOf(value)).toMatch(text);
    expect(usableNikOf(value)).toBeUndefined();
    expect(refusalOf(value)).toMatch(/^identity_number .*; correct it in Eposh$/);
    expect(refusalOf(value)).not.toMatch(/\d{5}|-5/);
  });
});

test("whatever comes, a personCode is 5 to 16 letters and digits and stays what it is, or is refused", () => {
  const nearly = fc
    .tuple(fc.stringMatching(/^[\d ]{4,18}$/), fc.constantFrom("", "'", "A", "\u200b"))
    .map(([a, b]) => b + a);
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.stringMatching(/^[\da-zA-Z]{1,17}$/), nearly), (value) => {
      if (refusalOf(value) !== undefined) return;
      const code = personCodeOf(value);
      expect(code).toMatch(/^[\da-zA-Z]{5,16}$/);
      expect([personCodeOf(code), usableNikOf(value)]).toEqual([code, code]);
    }),
  );
});

describe("birth_date against the NIK's", () => {
  test.each<[string, unknown, "agrees" | "differs" | "unknown"]>([
    ["3201023101900001", { ymd: "1990-01-31" }, "agrees"],
    ["3201027101900001", { ymd: "1990-01-31" }, "agrees"],
    ["3201023101900001", "1990-01-31", "agrees"],
    ["3201023101900001", { ymd: "1990-01-31T00:00:00+07:00" }, "agrees"],
    ["3201020101050001", { ymd: "2005-01-01" }, "agrees"],
    ["3201023101900001", { ymd: "1990-01-30" }, "differs"],
    ["3201023101900001", { ymd: "1991-01-31" }, "differs"],
    ["3201020112900001", { ymd: "1990-01-12" }, "differs"],
    ["3201023101900001", { ymd: "0000-00-00" }, "unknown"],
    ["3201023101900001", { ymd: "31-01-1990" }, "unknown"],
    ["3201023101900001", { ymd: null }, "unknown"],
    ["3201023101900001", {}, "unknown"],
    ["3201023101900001", null, "unknown"],
    ["3201023101900001", undefined, "unknown"],
    ["3201020000000050", { ymd: "1990-01-31" }, "unknown"],
    ["3201020113900001", { ymd: "1990-01-31" }, "unknown"],
    ["A1234567", { ymd: "1990-01-31" }, "unknown"],
    ["480213", { ymd: "1990-01-31" }, "unknown"],
  ])("%s and %j: %s", (nik, birthDate, agreement) => {
    expect(birthAgreement(readNik(nik), birthDate)).toBe(agreement);
  });
});

describe("whether a spreadsheet has rounded the NIKs of a fetch", () => {
  const ending = (digit: number, count: number) =>
    Array.from({ length: count }, (_, at) => `32010231019${String(10_000 + at).slice(1)}${digit}`);
  test.each<[string, readonly unknown[], boolean | undefined]>([
    ["ten that end in 0", ending(0, 10), true],
    ["a hundred that end in 0", ending(0, 100), true],
    ["ten that end in 0, as numbers", ending(0, 10).map(Number), true],
    ["ten that end in 0, beside a passport and placeholders", [...ending(0, 10), "A1234567", "-", null, {}], true],
    ["ten that end in 0 and one that does not", [...ending(0, 10), ...ending(7, 1)], false],
    ["one that does not end in 0", ending(7, 1), false],
    ["nobody", [], false],
    ["passports and short numbers that end in 0", [...ending(0, 12).map((nik) => nik.slice(4)), "A1234560"], false],
    ["nine that end in 0, which may be chance", ending(0, 9), undefined],
    ["one that ends in 0, a dozen times", Array(12).fill(ending(0, 1)[0]), undefined],
  ])("%s", (_, niks, isRounded) => {
    expect(niksRounded(niks)).toBe(isRounded as never);
  });
});
