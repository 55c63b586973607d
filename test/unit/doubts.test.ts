import { expect, test } from "bun:test";
import { Doubts, type Verdict } from "../../src/pipeline/retry/doubts.ts";
import { Streak } from "../../src/pipeline/retry/streak.ts";

const exception = "hikcentral_service_exception";
const verdicts = (doubts: Doubts, ...ids: string[]) => ids.map((id) => doubts.judge(id, exception).verdict);

test("a message is charged once another one has passed since it failed first", () => {
  const doubts = new Doubts();
  expect(verdicts(doubts, "x")).toEqual(["wait"]);
  doubts.passed("a");
  expect(verdicts(doubts, "x", "x")).toEqual(["charge", "charge"]);
});

test("five different messages in a row without one that passes mean the upstream, and nobody is charged", () => {
  const doubts = new Doubts();
  doubts.passed("a");
  expect(verdicts(doubts, "b", "c", "b", "d", "e", "f", "b", "g")).toEqual([
    ...Array<Verdict>(5).fill("wait"),
    ...Array<Verdict>(3).fill("pause"),
  ]);
});

test("who failed in an outage is not blamed for it when others pass afterwards, and waits uncounted in the next", () => {
  const doubts = new Doubts();
  expect(verdicts(doubts, ..."bcdefg")).toEqual(["wait", "wait", "wait", "wait", "pause", "pause"]);
  expect(doubts.isOutage).toBe(true);
  doubts.passed("a");
  expect(doubts.isOutage).toBe(false);
  expect(verdicts(doubts, "b", "c")).toEqual(["wait", "wait"]);
});

test("a stage with few messages learns of an outage from the stages with many", () => {
  const all = new Set<Doubts>();
  const [few, many] = [new Doubts(all), new Doubts(all)];
  few.passed("a");
  expect([...verdicts(few, "x"), ...verdicts(many, ..."bcdef"), ...verdicts(few, ..."xxxx")]).toEqual([
    ...Array<Verdict>(5).fill("wait"),
    "pause",
    ...Array<Verdict>(4).fill("wait"),
  ]);
  many.passed("a");
  few.passed("a");
  expect(verdicts(few, "x")).toEqual(["wait"]);
});

test("a call that is refused for everybody blames nobody in the stages that do not make it, and spares none there", () => {
  const all = new Set<Doubts>();
  const [one, other] = [new Doubts(all), new Doubts(all)];
  for (const id of "bcdef") one.judge(id, "hikcentral_not_supported");
  expect(verdicts(other, "x")).toEqual(["wait"]);
  other.passed("a");
  expect(verdicts(other, "x")).toEqual(["charge"]);
});

test("four bad ones among many never pause it", () => {
  const doubts = new Doubts();
  expect(verdicts(doubts, "b", "c", "d", "e")).toEqual(["wait", "wait", "wait", "wait"]);
  doubts.passed("a");
  for (let round = 0; round < 5; round++)
    expect(new Set(verdicts(doubts, "b", "c", "d", "e"))).toEqual(new Set(["charge"]));
});

test("one that is alone is charged after three more tries, if others have passed before", () => {
  const fresh = new Doubts();
  expect(verdicts(fresh, ..."xxxxxx")).toEqual(Array(6).fill("wait"));
  const doubts = new Doubts();
  doubts.passed("a");
  expect(verdicts(doubts, ..."xxxxx")).toEqual(["wait", "wait", "wait", "charge", "charge"]);
});

test("a streak of what says something about an upstream pauses, and one of bad records does not", () => {
  const pauseOf = (code: "hikcentral_busy" | "bad_identity_number" | "person_changed" | "bad_message") => {
    const streak = new Streak();
    const all = Array.from({ length: 60 }, (_, at) => streak.charge({ id: `${at}`, code, text: "t" }));
    return all.findIndex((pause) => pause !== undefined);
  };
  expect(pauseOf("hikcentral_busy")).toBe(19);
  for (const code of ["bad_identity_number", "person_changed", "bad_message"] as const) expect(pauseOf(code)).toBe(-1);
});
