import { setTimeout as sleep } from "node:timers/promises";

/** Moments in common: to wake the process costs more than what most looks do once it is awake. */
const tickMs = 5_000;
const halfMinuteMs = 30_000;
/** A timer may be early by a little. */
const slackMs = 100;

/** So long until the last common moment within that time, so never later; what is shorter stays as it is. */
export function untilTick(ms: number, now = performance.now()): number {
  if (ms < tickMs) return ms;
  // Fewer are enough for the longer ones, and all of them then have the same.
  const everyMs = ms >= halfMinuteMs ? halfMinuteMs : ms >= 2 * tickMs ? 2 * tickMs : tickMs;
  return Math.floor((now + ms + slackMs) / everyMs) * everyMs - now;
}

/** Whether a new half minute has begun since then: what is asked for seldom is asked for at the same tick. */
export const isNewHalfMinute = (since: number, now = performance.now()): boolean =>
  Math.floor((now + slackMs) / halfMinuteMs) > Math.floor((since + slackMs) / halfMinuteMs);

/** Looks every `ms` until disposed of. n.b. An unref'd timer does not wake the process by itself: it is up to 1 s late. */
export function lookEvery(ms: number, look: () => unknown): Disposable {
  const over = new AbortController();
  const keepLooking = async () => {
    for (;;) {
      await sleep(untilTick(ms), undefined, { signal: over.signal });
      look();
    }
  };
  keepLooking().catch((thrown: unknown) => {
    if (!over.signal.aborted) throw thrown;
  });
  return { [Symbol.dispose]: () => over.abort() };
}
