import { expect, test } from "bun:test";
import type { DeadLetter } from "../../src/ledger/dead-letter-index.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { createMask } from "../../src/observability/mask.ts";
import { allCasesOf, causesOf, firstOfEach } from "../../src/operator/cases.ts";
import { temporaryFolder } from "../support/leaks.ts";

const count = 1_000;
const at = "2026-01-05T00:00:00.000Z";
const mask = createMask();

const letterAt = (number: number): DeadLetter => ({
  ...{ id: `letter-${number}`, queue: "hikvision_create_person", stage: "create-person", code: "bad_name" },
  ...{ text: `text ${number}`, attempts: 1, first: at, last: at, case_id: `case-${String(number).padStart(4, "0")}` },
  ...{ content: "", record: `record-${number}`, mark: "", repeat: 0, name: `Budi ${number}` },
});

/** How often everything else had its turn meanwhile. */
async function turnsDuring<T>(work: () => Promise<T>): Promise<{ result: T; turns: number }> {
  const state = { turns: 0, isOver: false };
  const turn = () => {
    state.turns += 1;
    if (!state.isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const result = await work();
  state.isOver = true;
  return { result, turns: state.turns };
}

test("while a thousand cases are noted, listed or chosen, everything else has its turn", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error });
  const letters = Array.from({ length: count }, (_, number) => letterAt(number));
  const { deadLetters } = ledger;

  const noted = await turnsDuring(() => deadLetters.replace("hikvision_create_person")(letters));
  const listed = await turnsDuring(() => allCasesOf(ledger, {}, mask));
  const chosen = await turnsDuring(() => deadLetters.selectAll({}));

  expect(listed.result.map(({ name, letters }) => [name, letters])).toEqual(
    letters.map(({ name }) => [name as string, 1]),
  );
  expect(chosen.result).toHaveLength(count);
  for (const { turns } of [noted, listed, chosen]) expect(turns).toBeGreaterThanOrEqual(count / 100 - 1);
});

test("a cause is shown with all its cases counted, and with the oldest of them", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error });
  const later = "2026-01-06T00:00:00.000Z";
  const letters = Array.from({ length: 30 }, (_, number) => letterAt(number));
  const other = { ...letterAt(30), code: "bad_photo", stage: "face", last: later };
  await ledger.deadLetters.replace("hikvision_create_person")([...letters.toReversed(), other]);

  expect(causesOf(ledger)).toEqual([
    { kind: "dead letter", stage: "create-person", code: "bad_name", count: 30, first: at, last: at },
    { kind: "dead letter", stage: "face", code: "bad_photo", count: 1, first: at, last: later },
  ]);
  const [group, ...others] = await firstOfEach(ledger, {}, mask, 3);
  expect(group).toMatchObject({ count: 30, text: "text 0", first: at, last: at });
  expect(group?.cases.map(({ id }) => id)).toEqual(["case-0000", "case-0001", "case-0002"]);
  expect(others).toMatchObject([{ code: "bad_photo", count: 1 }]);
});
