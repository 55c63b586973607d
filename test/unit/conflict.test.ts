import { expect, test } from "bun:test";
import { Reject } from "../../src/errors.ts";
import { assertNoRival, assertSameHuman, labelOf, sidesOf } from "../../src/people/conflict.ts";
import { namesIn } from "../../src/people/names.ts";

const memory = { decisionOn: () => undefined };

function thrownBy(decide: () => unknown): string {
  try {
    decide();
  } catch (error) {
    if (error instanceof Reject) return error.message;
  }
  throw new Error("they are one human being");
}
function textOf(ours: string, theirs: string, theirKib: string | undefined): string {
  const person = { ...namesIn(theirs), kib: theirKib, personId: "7" };
  const asked = { birth: "unknown", overwrites: true, memory } as const;
  return thrownBy(() => assertSameHuman({ ...namesIn(ours), kib: "2600001" }, person, asked));
}

test.each([
  ["Wati Halim", "Siti Rahma", "2600002"],
  ["Wati Halim", "Siti Rahma", undefined],
  [`Budi "Bud" (KIB 1) Santoso`, `O"Brien`, "2600002"],
])("the text of a conflict of %p with %p gives both sides back", (ours, theirs, kib) => {
  expect(sidesOf(textOf(ours, theirs, kib))).toEqual({
    ours: { name: ours, kib: "2600001" },
    theirs: { name: theirs, kib, isInEposh: false },
  });
});

test("two records of one date are both Eposh's", () => {
  const theirs = labelOf(namesIn("Siti Rahma"), undefined);
  const text = thrownBy(() => assertNoRival({ ...namesIn("Wati Halim"), kib: "2600001" }, theirs, memory));
  expect(sidesOf(text)).toEqual({
    ours: { name: "Wati Halim", kib: "2600001" },
    theirs: { name: "Siti Rahma", kib: undefined, isInEposh: true },
  });
});

test("a name that is written like the text itself changes no side, and another text has none", () => {
  const forged = `A" (KIB 1) at Eposh has the NIK of "B`;
  expect(sidesOf(textOf(forged, "Siti Rahma", "2600002"))).toBeUndefined();
  expect(sidesOf("the name is missing")).toBeUndefined();
});
