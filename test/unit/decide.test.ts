import { expect, test } from "bun:test";
import fc from "fast-check";
import { Reject, Retry, reject, retry, Unavailable, unavailable } from "../../src/errors.ts";
import type { Verdict } from "../../src/pipeline/retry/doubts.ts";
import { decide, toFailure } from "../../src/pipeline/retry/policy.ts";

const delays = [
  { label: "5s", ms: 5_000 },
  { label: "30s", ms: 30_000 },
  { label: "2m", ms: 120_000 },
];
const doubt = (verdict: Verdict, tries = 0) => ({ doubt: () => ({ verdict, tries }) });
const calm = { attempt: 0, suspectIsDown: false, delays, ...doubt("pause") };
const perhaps = unavailable("hikcentral", "t", { mayBeOne: true });
const refuse = () => {
  throw new Error("not readable");
};
const unreadable = Object.defineProperty(new Error(), "message", { get: refuse });
const circular: Record<string, unknown> = {};
circular.self = circular;

test.each([
  ["a retry waits for the first delay", retry("eposh_busy", "t"), calm, "retry 5s"],
  ["the second attempt waits longer", retry("eposh_busy", "t"), { ...calm, attempt: 1 }, "retry 30s"],
  ["after the last delay it is a dead letter", retry("eposh_busy", "t"), { ...calm, attempt: 3 }, "dead eposh_busy"],
  [
    "a hint picks the first delay that is long enough",
    retry("eposh_busy", "t", { afterMs: 20_000 }),
    calm,
    "retry 30s",
  ],
  ["a hint is capped at the longest delay", retry("eposh_busy", "t", { afterMs: 1e9 }), calm, "retry 2m"],
  ["a hint never shortens the wait", retry("eposh_busy", "t", { afterMs: 1 }), { ...calm, attempt: 2 }, "retry 2m"],
  [
    "a suspect that is down pauses",
    retry("answer_lost", "t", { suspect: "hikcentral" }),
    { ...calm, suspectIsDown: true },
    "pause hikcentral outage",
  ],
  [
    "a suspect that answers charges the message",
    retry("answer_lost", "t", { suspect: "hikcentral" }),
    calm,
    "retry 5s",
  ],
  [
    "a suspect that is down saves a last attempt",
    retry("answer_lost", "t", { suspect: "x" }),
    { ...calm, attempt: 3, suspectIsDown: true },
    "pause x outage",
  ],
  ["a reject is a dead letter at once", reject("bad_name", "t"), calm, "dead bad_name"],
  ["an outage pauses", unavailable("eposh"), calm, "pause eposh outage"],
  [
    "a refused set-up pauses",
    unavailable("eposh", "t", { reason: "setup" }),
    { ...calm, attempt: 9 },
    "pause eposh setup",
  ],
  ["what may mean one message pauses where nobody passes", perhaps, calm, "pause hikcentral outage"],
  ["it is charged where others pass", perhaps, { ...calm, attempt: 1, ...doubt("charge") }, "retry 30s"],
  [
    "in the end it is that message's dead letter",
    perhaps,
    { ...calm, attempt: 3, ...doubt("charge") },
    "dead hikcentral_unavailable",
  ],
  ["until somebody knows, it waits uncounted", perhaps, { ...calm, attempt: 3, ...doubt("wait") }, "wait 5s"],
  ["and never for the longest delays", perhaps, { ...calm, ...doubt("wait", 99) }, "wait 2m"],
  [
    "a refused key is not doubted",
    unavailable("hikcentral"),
    { ...calm, ...doubt("charge") },
    "pause hikcentral outage",
  ],
  ["anything else is a retry", new TypeError("x is undefined"), calm, "retry 5s"],
  ["undefined is a retry", undefined, calm, "retry 5s"],
  ["a string is a retry", "oh no", calm, "retry 5s"],
  ["a circular object is a retry", circular, calm, "retry 5s"],
  ["an error that cannot be read is a retry", unreadable, calm, "retry 5s"],
  ["what throws whatever is asked of it is a retry", new Proxy({}, { getPrototypeOf: refuse }), calm, "retry 5s"],
  ["several errors at once are a retry", new AggregateError([new Error("a"), "b"]), calm, "retry 5s"],
  [
    "without a retry schedule the first failure is a dead letter",
    retry("eposh_busy", "t"),
    { ...calm, delays: [] },
    "dead eposh_busy",
  ],
] as const)("%s", (_title, thrown, circumstances, expected) => {
  const decision = decide(toFailure(thrown), circumstances);
  const shown = {
    retry: () => `retry ${"delay" in decision && decision.delay.label}`,
    wait: () => `wait ${"delay" in decision && decision.delay.label}`,
    dead: () => `dead ${decision.code}`,
    pause: () => `pause ${"upstream" in decision && `${decision.upstream} ${decision.reason}`}`,
  };
  expect(shown[decision.do]()).toBe(expected);
});

test("every failure says something, whatever was thrown", () => {
  fc.assert(fc.property(fc.anything(), (thrown) => toFailure(thrown).message.length > 0));
});

test("no message waits for ever: attempts always end in a dead letter", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.option(fc.nat()), (attempt, hint) => {
      const failure = retry("eposh_busy", "t", hint === null ? {} : { afterMs: hint });
      const decision = decide(failure, { ...calm, attempt });
      return decision.do === (attempt < delays.length ? "retry" : "dead");
    }),
  );
});

test("whatever fails, the delays are taken in order, a hint only lengthens the wait, and an outage counts no attempt", () => {
  const schedule = fc
    .uniqueArray(fc.integer({ min: 1, max: 1e7 }), { maxLength: 8 })
    .map((all) => all.sort((a, b) => a - b).map((ms) => ({ label: `${ms}ms`, ms })));
  const failure = fc.oneof(
    fc.constant(reject("bad_name", "t")),
    fc.constant(unavailable("eposh")),
    fc
      .option(fc.nat(2e7), { nil: undefined })
      .map((afterMs) => retry("eposh_busy", "t", { suspect: "x", ...(afterMs && { afterMs }) })),
  );
  fc.assert(
    fc.property(failure, schedule, fc.nat(10), fc.boolean(), (failed, delays, attempt, suspectIsDown) => {
      const decision = decide(failed, { ...calm, attempt, suspectIsDown, delays });
      expect(decide(failed, { ...calm, attempt, suspectIsDown, delays })).toEqual(decision);
      const isOutage = failed instanceof Unavailable || (failed instanceof Retry && suspectIsDown);
      expect(decision.do === "pause").toBe(isOutage);
      if (failed instanceof Reject) expect(decision.do).toBe("dead");
      if (decision.do !== "retry") return;
      const { afterMs = 0 } = failed as Retry;
      expect(decision.delay.ms).toBeGreaterThanOrEqual(delays[attempt]?.ms ?? Number.NaN);
      expect(decision.delay.ms).toBeGreaterThanOrEqual(Math.min(afterMs, delays.at(-1)?.ms ?? 0));
    }),
  );
});
