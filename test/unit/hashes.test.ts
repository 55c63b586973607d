import { expect, test } from "bun:test";
import fc from "fast-check";
import { Hashes, hashOf } from "../../src/hikcentral/sharing/hashes.ts";
import { RecentNumbers } from "../../src/hikcentral/sharing/recent-numbers.ts";

test("texts are added, found and deleted as in a set", () => {
  const texts = fc.integer({ min: 0, max: 300 }).map(String);
  const change = fc.tuple(fc.constantFrom("add" as const, "delete" as const), texts);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 2_000, size: "max" }), (changes) => {
      const [hashes, set] = [new Hashes(), new Set<string>()];
      for (const [how, text] of changes) {
        hashes[how](text);
        set[how](text);
      }
      expect(hashes.size).toBe(set.size);
      for (let number = 0; number <= 300; number++) expect(hashes.has(String(number))).toBe(set.has(String(number)));
    }),
    { numRuns: 30 },
  );
});

test("of 32 bits a set finds each text, and hardly anybody else", () => {
  const hashes = new Hashes({ isExact: false, room: 1_000 });
  for (let number = 0; number < 100_000; number++) hashes.add(String(number));
  let [found, strangers] = [0, 0];
  for (let number = 0; number < 100_000; number++) {
    if (hashes.has(String(number))) found++;
    if (hashes.has(`stranger ${number}`)) strangers++;
  }
  expect(found).toBe(100_000);
  expect(strangers).toBeLessThan(20);
});

test.each([8, 10, 12, 16])("numbers of %i digits do not share a hash", (digits) => {
  const random = () => String(Math.floor((1 + 8 * Math.random()) * 10 ** (digits - 1)));
  const texts = new Set(Array.from({ length: 300_000 }, random));
  expect(new Set([...texts].map(hashOf)).size).toBe(texts.size);
});

test("each of hundreds of thousands is found, and nobody else", () => {
  const hashes = new Hashes();
  for (let number = 0; number < 300_000; number++) hashes.add(String(number));
  for (let number = 0; number < 300_000; number++) hashes.add(String(number));
  expect(hashes.size).toBe(300_000);
  let found = 0;
  for (let number = 0; number < 600_000; number++) if (hashes.has(String(number))) found++;
  expect(found).toBe(300_000);
});

test("numbers are kept for a minute, and not much longer, however often others come", () => {
  for (const stepMs of [1_000, 29_000, 31_000, 59_000]) {
    let now = 0;
    const numbers = new RecentNumbers(() => now);
    numbers.set("first", 7);
    const goneAt = () => {
      for (; ; now += stepMs) {
        numbers.set(String(now), 1);
        if (numbers.get("first") === undefined) return now;
      }
    };
    expect(goneAt()).toBeGreaterThanOrEqual(60_000);
    expect(now).toBeLessThan(90_000 + stepMs);
  }
});

test("a clock that is set back ends nothing, and keeps nothing for ever", () => {
  let now = 3_600_000;
  const numbers = new RecentNumbers(() => now);
  numbers.set("first", 7);
  now = 0;
  numbers.set("second", 8);
  expect([numbers.get("first"), numbers.get("second")]).toEqual([7, 8]);
  now = 90_000;
  numbers.forgetOld();
  expect([numbers.get("first"), numbers.get("second")]).toEqual([undefined, undefined]);
});
