import { expect, test } from "bun:test";
import fc from "fast-check";
import { Hashes } from "../../src/hikcentral/sharing/hashes.ts";

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

test("each of hundreds of thousands is found, and nobody else", () => {
  const hashes = new Hashes();
  for (let number = 0; number < 300_000; number++) hashes.add(String(number));
  for (let number = 0; number < 300_000; number++) hashes.add(String(number));
  expect(hashes.size).toBe(300_000);
  let found = 0;
  for (let number = 0; number < 600_000; number++) if (hashes.has(String(number))) found++;
  expect(found).toBe(300_000);
});
