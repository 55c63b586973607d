import { setTimeout as sleep } from "node:timers/promises";

export interface StallOptions {
  /** Messages that are ready, undefined where the broker does not say. */
  ready: () => Promise<number | undefined>;
  /** When a message was last taken, sent on or settled (performance.now()). */
  lastProgressAt: () => number;
  /** Nothing is expected to move: paused, or the broker is away. */
  isIdleExpected: () => boolean;
  stallMs: number;
  signal: AbortSignal;
  /** Again for each further `stallMs`; undefined once something moves. */
  onChange: (stalledMs: number | undefined, waiting: number) => void;
}

/** Watches a stage until aborted: work is ready, nothing keeps it from being taken, and yet nothing moves. */
export async function watchForStall(options: StallOptions): Promise<void> {
  const { ready, lastProgressAt, isIdleExpected, stallMs, signal, onChange } = options;
  let since: number | undefined;
  let told: number | undefined;
  const pause = () => sleep(Math.min(stallMs / 4, 5_000), undefined, { signal }).catch(() => {});
  for (; !signal.aborted; await pause()) {
    const now = performance.now();
    // n.b. a queue that was empty for a night may hold a message that is on its way to us right now.
    const waiting = isIdleExpected() ? 0 : ((await ready().catch(() => undefined)) ?? 0);
    const waits = waiting > 0;
    if (!waits || (since !== undefined && lastProgressAt() > since)) {
      since = waits ? now : undefined;
      if (told !== undefined) onChange(undefined, waiting);
      told = undefined;
      continue;
    }
    since ??= now;
    if (now - (told ?? since) < stallMs) continue;
    told = now;
    onChange(now - since, waiting);
  }
}
