import { expect, test } from "bun:test";
import { isNewHalfMinute, untilTick } from "../../src/util/turns/ticks.ts";

test("what is looked at by turns is looked at in the same moments, and never later than asked", () => {
  for (let now = 0; now < 30_000; now += 37)
    for (const ms of [5_000, 10_000, 40_000]) {
      const waitMs = untilTick(ms, now);
      const everyMs = Math.min(ms, 30_000);
      expect((now + waitMs) % everyMs).toBe(0);
      expect(waitMs).toBeLessThanOrEqual(ms + 100);
      expect(waitMs).toBeGreaterThan(ms - everyMs);
    }
});

test("a timer that is a little early does not look twice", () => {
  expect(untilTick(5_000, 9_998)).toBe(5_002);
  expect(untilTick(5_000, 10_002)).toBe(4_998);
});

test("what is asked for every half minute is asked for at the same tick, also by a timer that is a little early", () => {
  for (const tick of [30_000, 29_999, 30_002]) expect(isNewHalfMinute(3_000, tick)).toBe(true);
  for (const tick of [29_999, 30_000]) expect(isNewHalfMinute(tick, 55_000)).toBe(false);
  expect(isNewHalfMinute(-Infinity, 5_000)).toBe(true);
});

test("what is looked at more often keeps its time", () => {
  expect(untilTick(200, 12_345)).toBe(200);
});
