import { expect, test } from "bun:test";
import { CircuitBreaker } from "../../src/upstreams/circuit-breaker.ts";

/** One whose probe answers or not, and whose clock can be moved on. */
function breakerWith({ answers }: { answers: boolean }) {
  let at = Date.parse("2026-01-01T09:20:00Z");
  const probe = async () => answers;
  const breaker = new CircuitBreaker("eposh", { probe, say: () => {}, everyMs: 5, now: () => new Date(at) });
  const pass = (minutes: number) => {
    at += minutes * 60_000;
  };
  return { breaker, pass };
}

test("an upstream that nobody asked is not up, nor one whose last answer is older than five minutes", async () => {
  const { breaker, pass } = breakerWith({ answers: true });
  await using _ = breaker;
  expect(breaker.shown).toEqual({ state: "not asked", since: undefined });
  breaker.answered();
  pass(5);
  expect(breaker.shown).toEqual({ state: "up", since: undefined });
  pass(1);
  expect(breaker.shown).toEqual({ state: "not asked", since: new Date("2026-01-01T09:20:00Z") });
  expect(breaker.state).toBe("up");
});

test("an upstream that is down is down since it was found to be, however old its last answer is", async () => {
  const { breaker, pass } = breakerWith({ answers: false });
  await using _ = breaker;
  breaker.answered();
  pass(60);
  expect(await breaker.isDown()).toBe(true);
  expect(breaker.shown).toEqual({ state: "down", since: new Date("2026-01-01T10:20:00Z") });
});
