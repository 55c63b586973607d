import { expect, test } from "bun:test";
import type { Pause } from "../../src/pipeline/consume-session.ts";
import { legalMoves, StageState, type StageWord } from "../../src/pipeline/stage-state.ts";

const words = Object.keys(legalMoves) as StageWord[];
const outage: Pause = { reason: "outage", upstream: "hikcentral", code: "hikcentral_down", text: "HikCentral is down" };
/** A way to each word from the beginning. */
const ways: Record<StageWord, StageWord[]> = {
  starting: [],
  consuming: ["consuming"],
  canary: ["paused by a fault", "canary"],
  "paused by a fault": ["paused by a fault"],
  "paused by an operator": ["paused by an operator"],
  stopping: ["stopping"],
};

function stateAt(word: StageWord): StageState {
  const state = new StageState("create-person", () => new Date());
  for (const next of ways[word]) state.move(next, next.startsWith("paused") ? outage : undefined);
  return state;
}

test.each(words.flatMap((from) => words.map((to) => [from, to] as const)))(
  "from %s to %s is a move exactly where the table says so",
  (from, to) => {
    const move = () => stateAt(from).move(to);
    if (from === to || legalMoves[from].includes(to)) expect(move).not.toThrow();
    else expect(move).toThrow(`stage create-person cannot go from ${from} to ${to}`);
  },
);

test("nothing follows stopping, and everything can be stopped", () => {
  expect(legalMoves.stopping).toEqual([]);
  for (const word of words) if (word !== "stopping") expect(legalMoves[word]).toContain("stopping");
});

test("a pause keeps its reason and its time through the canaries, and loses them when the stage consumes again", () => {
  let now = new Date("2026-01-05T02:14:00Z");
  const state = new StageState("create-person", () => now);
  state.move("consuming");
  now = new Date("2026-01-05T02:15:00Z");
  state.move("paused by a fault", outage);
  now = new Date("2026-01-05T02:16:00Z");
  state.move("canary");
  state.move("paused by a fault", { ...outage, text: "HikCentral is still down" });
  expect(state).toMatchObject({ word: "paused by a fault", since: new Date("2026-01-05T02:15:00Z") });
  expect(state.pause?.text).toBe("HikCentral is still down");
  state.move("canary");
  state.move("consuming");
  expect(state).toMatchObject({ word: "consuming", pause: undefined, since: now });
});
