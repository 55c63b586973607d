/** Moments in common: to wake the process costs more than what most looks do once it is awake. */
const tickMs = 5_000;
/** A timer may be early by a little. */
const slackMs = 100;

/** So long until the last common moment within that time, so never later; what is shorter stays as it is. */
export const untilTick = (ms: number, now = performance.now()): number =>
  ms < tickMs ? ms : Math.floor((now + ms + slackMs) / tickMs) * tickMs - now;

/** Looks every `ms` until disposed of, and keeps nothing running. */
export function lookEvery(ms: number, look: () => unknown): Disposable {
  let timer: ReturnType<typeof setTimeout>;
  const again = () => {
    timer = setTimeout(() => {
      again();
      look();
    }, untilTick(ms)).unref();
  };
  again();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
