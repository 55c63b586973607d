/** Moments in common: to wake the process costs more than what most looks do once it is awake. */
const tickMs = 5_000;
/** A timer may be early by a little. */
const slackMs = 100;

/** So long until the last common moment within that time, so never later; what is shorter stays as it is. */
export function untilTick(ms: number, now = performance.now()): number {
  if (ms < tickMs) return ms;
  // Every other one is enough for the longer ones, and all of them then have the same.
  const everyMs = ms < 2 * tickMs ? tickMs : 2 * tickMs;
  return Math.floor((now + ms + slackMs) / everyMs) * everyMs - now;
}

/** Looks every `ms` until disposed of. */
export function lookEvery(ms: number, look: () => unknown): Disposable {
  let timer: ReturnType<typeof setTimeout>;
  const again = () => {
    timer = setTimeout(() => {
      again();
      look();
    }, untilTick(ms));
  };
  again();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
