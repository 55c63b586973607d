import { setTimeout as sleep } from "node:timers/promises";
import { untilTick } from "../util/turns/ticks.ts";

export interface StallOptions {
  /** The number of ready messages; undefined if the broker does not answer. */
  ready: () => Promise<number | undefined>;
  /** When a message was last taken, emitted or settled (performance.now()). */
  lastProgressAt: () => number;
  /** No progress is expected: the stage is paused, or the broker is away. */
  isIdleExpected: () => boolean;
  stallMs: number;
  signal: AbortSignal;
  /** Called again after each further `stallMs`; with undefined once there is progress. */
  onChange: (stalledMs: number | undefined, waiting: number) => void;
}

/** Until aborted, checks whether a stage is stalled: messages are ready, and nothing moves although it could. */
export async function watchForStall(options: StallOptions): Promise<void> {
  const { ready, lastProgressAt, isIdleExpected, stallMs, signal, onChange } = options;
  let since: number | undefined;
  let told: number | undefined;
  const pause = () => {
    const longestMs = since === undefined ? 10_000 : 5_000;
    return sleep(untilTick(Math.min(stallMs / 4, longestMs)), undefined, { signal }).catch(() => {});
  };
  for (; !signal.aborted; await pause()) {
    const now = performance.now();
    // n.b. A queue that was empty for hours may hold a message that is being delivered right now.
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
