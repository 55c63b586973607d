/** Clocks of two machines may differ so much; a time that is later than that comes from a clock that was wrong. */
const toleranceMs = 60_000;

/** Undefined where the time is later than now: believed, it would hold back every change until that moment comes. */
export const plausible = (at: Date | undefined, now: Date): Date | undefined =>
  at !== undefined && at.getTime() <= now.getTime() + toleranceMs ? at : undefined;
