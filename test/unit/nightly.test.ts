import { expect, test } from "bun:test";
import { msUntil } from "../../src/reconcile/nightly.ts";

const hours = (at: string, now: string, timeZone = "Asia/Jakarta") => msUntil(at, timeZone, new Date(now)) / 3_600_000;

test("the next comparison is at that time of the site's clocks", () => {
  expect(hours("02:00", "2026-01-05T18:00:00Z")).toBe(1);
  expect(hours("02:00", "2026-01-05T19:00:00Z")).toBe(24);
  expect(hours("02:00", "2026-01-05T20:30:00Z")).toBe(22.5);
});

test("on the day when the clocks change too", () => {
  expect(hours("02:30", "2026-03-28T02:00:00Z", "Europe/Berlin")).toBe(23.5);
  expect(hours("12:00", "2026-03-28T11:00:00Z", "Europe/Berlin")).toBe(23);
});
