import { describe, expect, test } from "bun:test";
import { lostSpan, type Undone } from "../../src/reconcile/lost-span.ts";

/** Minutes after midnight in milliseconds. */
const minute = (minutes: number) => minutes * 60_000;
const number = (minutes: number): Undone => ({ how: "number", at: minute(minutes) });
const note = (minutes: number): Undone => ({ how: "note", at: minute(minutes) });

interface Example {
  undone: Undone[];
  standing?: number[];
  /** Minutes of writes that are lost. */
  lost?: number[];
  /** Minutes of writes that are not: what is missing of them was taken away by a human. */
  kept: number[];
}

const examples: Record<string, Example> = {
  "three persons deleted by hand, whose numbers stay theirs": { undone: [], kept: [600, 601, 602] },
  "the same, and the standing access of others": { undone: [], standing: [601], kept: [600, 602] },
  "a number given again": { undone: [number(600)], lost: [598.1, 600, 601.9], kept: [597.9, 602.1] },
  "numbers given again: all between them": {
    undone: [number(600), number(660)],
    lost: [600, 630, 660],
    kept: [597, 663],
  },
  "the last write that stands, a moment before": {
    undone: [number(600)],
    standing: [500, 599.9],
    lost: [599.95, 600, 601],
    kept: [500, 599, 599.9],
  },
  "the first write after the restore, a moment later": {
    undone: [number(600), number(610)],
    standing: [611, 700],
    lost: [599, 605, 610.9],
    kept: [611, 611.5, 700],
  },
  "writes that stand long before and long after": {
    undone: [number(600), number(610)],
    standing: [10, 20, 900],
    lost: [599, 605, 611],
    kept: [10, 20, 590, 620, 900],
  },
  "access taken away by a human before the backup": {
    undone: [number(600)],
    standing: [580],
    lost: [600],
    kept: [570, 579.9, 597],
  },
  "access granted after the restore and taken away by a human then": {
    undone: [number(600)],
    lost: [600],
    kept: [650, 900],
  },
  "a write that stands among the lost ones: no restore loses only some": {
    undone: [number(600), number(610)],
    standing: [605],
    kept: [600, 602, 605, 607, 610],
  },
  "two restores at once, with a day between that stands": {
    undone: [number(600), number(2_040)],
    standing: [1_000],
    kept: [600, 2_040],
  },
  "one earlier note in a remark: somebody may have put it there": { undone: [note(600)], kept: [599, 600, 601] },
  "earlier notes of two persons": { undone: [note(600), note(602)], lost: [599, 601, 603], kept: [597, 605] },
  "a list of persons that a human imported: what was written meanwhile stands": {
    undone: [note(600), note(610), note(700)],
    standing: [605, 650],
    kept: [600, 602, 610, 700],
  },
  "a number given again and an earlier note": {
    undone: [number(600), note(630)],
    standing: [540],
    lost: [599, 620, 631],
    kept: [540, 590, 640],
  },
  "another HikCentral, whose numbers begin anew": {
    undone: [number(10), number(900)],
    lost: [10, 500, 900],
    kept: [0],
  },
};

describe.each(Object.entries(examples))("%s", (_, { undone, standing = [], lost = [], kept }) => {
  const span = lostSpan({ undone, standing: standing.map(minute) });
  const isLost = (minutes: number) =>
    span !== undefined && minute(minutes) > span.after && minute(minutes) < span.before;

  test("takes for lost what a restore has undone, and nothing that a human may have taken away", () => {
    expect(lost.filter((at) => !isLost(at))).toEqual([]);
    expect([...kept, ...standing].filter(isLost)).toEqual([]);
  });
});
