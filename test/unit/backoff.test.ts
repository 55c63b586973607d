import { expect, test } from "bun:test";
import { backoff } from "../../src/util/backoff.ts";

test("the first attempt is at once, and each wait twice as long as the one before, up to the longest", async () => {
  const at: number[] = [];
  for await (const failures of backoff({ firstMs: 20, maxMs: 60 })) {
    at.push(performance.now());
    if (failures === 4) break;
  }
  const waits = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
  // A timer may be a millisecond early.
  for (const [index, ms] of [20, 40, 60, 60].entries()) expect(waits[index]).toBeGreaterThan(ms - 2);
});

test("without a longest wait all waits are alike", async () => {
  const started = performance.now();
  for await (const failures of backoff({ firstMs: 1 })) if (failures === 15) break;
  // Doubled they would be half a minute.
  expect(performance.now() - started).toBeLessThan(15_000);
});

test("a signal ends the attempts in the middle of a wait, and before the first", async () => {
  const stop = new AbortController();
  let attempts = 0;
  for await (const _ of backoff({ firstMs: 600_000, signal: stop.signal })) {
    attempts++;
    setTimeout(() => stop.abort(), 5);
  }
  for await (const _ of backoff({ firstMs: 1, signal: stop.signal })) attempts++;
  expect(attempts).toBe(1);
});
