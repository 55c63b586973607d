import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseJson, takeJson } from "../../src/util/exact-json.ts";

/** In a body of its own, as an upstream's answer is. */
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
/** So large that it is read as it is. */
const large = (json: string) => `{"large":"${"x".repeat(40_000)}","a":${json}}`;

test.each([
  "9171010101900003",
  "-9171010101900003",
  "[9171010101900003]",
  "[1, 9171010101900003]",
  '{"a" :\n\t9171010101900003 }',
  '{"a":9e3,"b":9171010101900003}',
  "[1.7e21]",
  "[1.7E+21]",
  '["9171010101900003",",9171010101900003"]',
])("%s keeps its digits", (text) => {
  const written = JSON.stringify(parseJson(text));
  const digits = (of: string) => of.match(/\d{16}|1\.7e\+?21/gi);
  expect(digits(written)).toEqual(digits(text));
});

test("a list of 500 persons is read in a fraction of the time that it takes to look at each value", () => {
  const person = { personCode: "3500000000000001", personName: "Budi Contoh", orgIndexCode: "1", cards: [], gender: 1 };
  const text = JSON.stringify(Array.from({ length: 500 }, (_, number) => ({ ...person, personId: String(number) })));
  const fastest = (parse: (text: string) => unknown) => {
    const times = Array.from({ length: 60 }, () => {
      const startedAt = performance.now();
      parse(text);
      return performance.now() - startedAt;
    });
    return Math.min(...times);
  };
  const lookAtEach = (text: string) => JSON.parse(text, (_key, value) => value);
  expect(fastest(parseJson) / fastest(lookAtEach)).toBeLessThan(0.6);
});

test.each([
  ["", ""],
  ['{"]}":', "}"],
  ['{"\\\\":1,"\\"]}":', "}"],
])("what is nested so deep that work with it would exhaust the stack is no JSON: %p", (open, close) => {
  const deep = (times: number) => `${(open || "[").repeat(times)}1${(close || "]").repeat(times)}`;
  expect(() => parseJson(deep(100_000))).toThrow(RangeError);
  expect(() => parseJson(deep(20))).not.toThrow();
});

test("whatever is read of bytes, or taken out of them, is what is read of their text", async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ noUnicodeString: false }), fc.boolean(), async (json, isLarge) => {
      const text = isLarge ? large(json) : json;
      const read = JSON.stringify(JSON.parse(text));
      expect(JSON.stringify(parseJson(text))).toBe(read);
      expect(JSON.stringify(parseJson(bytesOf(text)))).toBe(read);
      expect(JSON.stringify(await takeJson(bytesOf(text)))).toBe(read);
    }),
  );
});

test.each(["9171010101900003", '["\\"",-9171010101900003]', "[1.7E+21]"])(
  "%s in a large body keeps its digits",
  async (json) => {
    const taken = JSON.stringify(await takeJson(bytesOf(large(json))));
    expect(taken).toBe(JSON.stringify(parseJson(large(json))));
    expect(taken).toContain(json.includes("917") ? "9171010101900003" : "1.7E+21");
  },
);

test("a large body that was taken gives its memory back at once, and one that shares it with another does not", async () => {
  const text = large("1");
  const own = bytesOf(text);
  const [first, second] = [0, text.length].map(
    (from) => new Uint8Array(Buffer.from(text + text).buffer, from, text.length),
  );
  expect(await takeJson(own)).toEqual(JSON.parse(text));
  expect(own.byteLength).toBe(0);
  for (const shared of [first, second]) expect(await takeJson(shared ?? own)).toEqual(JSON.parse(text));
  expect(first?.byteLength).toBe(text.length);
});

test.each(["<html></html>", `${large("1")} x`, large(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)])(
  "what is no JSON is refused, however large: %#",
  async (text) => {
    await expect(takeJson(bytesOf(text))).rejects.toThrow();
  },
);
