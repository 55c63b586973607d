import { expect, test } from "bun:test";
import fc from "fast-check";
import { shellWord } from "../../src/util/text/shell-word.ts";
import { visible, visibleIn, visibleJson, visibleLines } from "../../src/util/text/visible.ts";

const invisible = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "\x1b",
      "\n",
      "\r",
      "\t",
      "\x07",
      "\x7f",
      "\x9b",
      "\u2028",
      "\u2029",
      "\u202e",
      "\u2066",
      "\u200f",
      "[",
    ),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
});

test("whatever a stranger writes is one line without control characters", () => {
  fc.assert(fc.property(hostile, (text) => expect(visible(text)).not.toMatch(invisible)));
  expect(visible("Budi\x1b[2J\u202e\n")).toBe(String.raw`Budi\x1b[2J\u202e\n`);
  expect(visible("Ñoño 王伟 “Budi’s”")).toBe("Ñoño 王伟 “Budi’s”");
});

test("as JSON it is the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), hostile, (value, text) => {
      const json = visibleJson(JSON.stringify({ value, [text]: text }, undefined, 2));
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, [text]: text })));
      expect(json.replaceAll("\n", "")).not.toMatch(invisible);
    }),
  );
  expect(JSON.stringify(visibleIn({ "a\n": ["b\x1b", 1, null] }))).not.toMatch(/[\n\x1b]|\\u001b/);
});

test("lines, tabs and the colours of our own stay", () => {
  const colour = /\x1b\[\d*m/y;
  expect(visibleLines("\x1b[31mred\x1b[0m\n\tx\x1b[2J", colour)).toBe("\x1b[31mred\x1b[0m\n\tx\\x1b[2J");
  expect(visibleLines("\x1b[31mred\n")).toBe("\\x1b[31mred\n");
});

test("a pasted word runs nothing: a shell gives it back as it is", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.constantFrom("$(id)", "`id`", "a'b", "; rm x", "2600001,2600002", "-x", ""), hostile),
      (word) => {
        if (word.includes("\0")) return;
        const { stdout } = Bun.spawnSync(["sh", "-c", `printf %s ${shellWord(word)}`]);
        expect(stdout.toString()).toBe(word);
      },
    ),
    { numRuns: 60 },
  );
  expect(shellWord("2600001,2600002")).toBe("2600001,2600002");
});
