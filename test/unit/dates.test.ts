import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  addDays,
  DateError,
  datesOf,
  daysBetween,
  endOfDay,
  formatDuration,
  isDate,
  isDay,
  isTimeZone,
  parseDuration,
  resolveDay,
  startOfDay,
  todayIn,
} from "../../src/config/dates.ts";

const today = "2026-01-20";
const anyDate = fc.integer({ min: 0, max: 36_000 }).map((days) => addDays("2000-01-01", days));

describe("durations", () => {
  test("are a whole number and one unit", () => {
    const read = ["500ms", "5s", "2m", "1h", "3d", "0s"].map(parseDuration);
    expect(read).toEqual([500, 5_000, 120_000, 3_600_000, 259_200_000, 0]);
  });

  test.each(["", "5", "s", "1.5h", "-1s", "5 s", "1w", "1h30m", "5S", "١s"])("%p is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("are written in the largest unit without a fraction", () => {
    expect([500, 1_500, 90_000, 120_000, 3_600_000, 0].map(formatDuration)).toEqual([
      "500ms",
      "1500ms",
      "90s",
      "2m",
      "1h",
      "0ms",
    ]);
  });

  test("read back as they were written", () => {
    fc.assert(fc.property(fc.nat(168 * 3_600_000), (ms) => parseDuration(formatDuration(ms)) === ms));
  });
});

describe("dates", () => {
  test.each([
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "26-01-01",
    "2026-1-1",
    "2026-01-01T00:00:00",
    "0026-01-01",
    "",
  ])("%p is not a day of the calendar", (text) => {
    expect(isDate(text)).toBe(false);
    expect(() => resolveDay("from", text, today)).toThrow(
      new DateError("from must be a day of the calendar as YYYY-MM-DD, today or today-7"),
    );
  });

  test("every day of the calendar is a date, and the day after it a later one", () => {
    fc.assert(
      fc.property(anyDate, (date) => {
        expect(isDate(date)).toBe(true);
        expect(addDays(date, 1) > date).toBe(true);
        expect(daysBetween(date, addDays(date, 45))).toBe(45);
      }),
    );
  });

  test("today and today-7 mean days of the site's calendar", () => {
    const lateEvening = new Date("2026-01-19T17:00:00Z");
    expect(todayIn("Asia/Jakarta", lateEvening)).toBe("2026-01-20");
    expect(todayIn("UTC", lateEvening)).toBe("2026-01-19");
    expect(resolveDay("to", "today", today)).toBe("2026-01-20");
    expect(resolveDay("from", "today-21", today)).toBe("2025-12-30");
    expect(["today+1", "today-", "today-1000", "Today"].map(isDay)).toEqual([false, false, false, false]);
  });

  test("a time zone is one that the calendar knows", () => {
    expect(["Asia/Jakarta", "UTC", "Mars/Olympus", ""].map(isTimeZone)).toEqual([true, true, false, false]);
  });
});

describe("a range", () => {
  test("of the original is its seventeen dates", () => {
    const dates = datesOf({
      from: "2026-01-01",
      to: "2026-01-19",
      skip: ["2026-01-02", "2026-01-05"],
      maxDays: 92,
      today,
    });
    expect(dates).toHaveLength(17);
    expect(dates.slice(0, 4)).toEqual(["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-06"]);
  });

  test("holds each date from its first to its last once, in order, but for those to skip", () => {
    fc.assert(
      fc.property(anyDate, fc.nat(91), fc.array(fc.nat(91), { maxLength: 5 }), (from, more, skips) => {
        const skip = skips.map((days) => addDays(from, days));
        const dates = datesOf({ from, to: addDays(from, more), skip, maxDays: 92, today });
        const within = new Set(skips.filter((days) => days <= more));
        expect(dates).toEqual([...new Set(dates)].sort());
        expect(dates).toHaveLength(more + 1 - within.size);
        expect(dates.some((date) => skip.includes(date))).toBe(false);
      }),
    );
  });

  test.each([
    [{ from: "2026-01-02", to: "2026-01-01" }, "from is after to"],
    [{ from: "2026-01-01", to: "2026-04-03" }, "span 93 days, but at most 92"],
    [{ from: "nonsense", to: "today" }, "from must be"],
    [{ from: "today", to: "2026-02-30" }, "to must be"],
    [{ from: "today", to: "today", skip: ["yesterday"] }, "skip must be"],
  ])("%p is refused by name", (range, text) => {
    expect(() => datesOf({ ...range, maxDays: 92, today })).toThrow(text);
    expect(() => datesOf({ ...range, maxDays: 92, today })).toThrow(DateError);
  });
});

describe("a day's start and end", () => {
  test("carry the offset of the zone", () => {
    expect(startOfDay("2026-01-05", "Asia/Jakarta")).toBe("2026-01-05T00:00:00+07:00");
    expect(endOfDay("2030-12-31", "Asia/Jakarta")).toBe("2030-12-31T23:59:59+07:00");
    expect(startOfDay("2026-07-01", "Europe/Berlin")).toBe("2026-07-01T00:00:00+02:00");
    expect(startOfDay("2026-01-05", "UTC")).toBe("2026-01-05T00:00:00+00:00");
  });

  test("are instants of that very day", () => {
    const zone = fc.constantFrom("Asia/Jakarta", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC");
    fc.assert(
      fc.property(anyDate, zone, (date, timeZone) => {
        expect(todayIn(timeZone, new Date(startOfDay(date, timeZone)))).toBe(date);
        expect(todayIn(timeZone, new Date(endOfDay(date, timeZone)))).toBe(date);
      }),
    );
  });
});
