import { untilAborted } from "./abort.ts";
import { type Acquire, type Rank, rankOf } from "./semaphore.ts";

/** The delivery on whose behalf an upstream is called. */
export interface Caller {
  /** Ends its calls. */
  readonly signal: AbortSignal;
  /** The lowest gets a permit first: the order in which the messages were taken. */
  readonly rank?: Rank;
  /** Called whenever one of its calls has ended or got its permit. */
  readonly progress?: () => void;
  /** Held while it only waits for others: this time does not count towards its deadline. */
  readonly waiting?: () => Disposable;
}

/** One call for several callers, which ends when `signal` does: the oldest one decides its place, all hear of it. */
export const together = (callers: Iterable<Caller>, signal: AbortSignal): Caller => ({
  signal,
  rank: () => Math.min(...[...callers].map(({ rank = 0 }) => rankOf(rank))),
  progress: () => {
    for (const { progress } of callers) progress?.();
  },
});

/** Waits for work that others share: that is not charged to the caller. */
export async function sharedBy<T>({ signal, progress, waiting }: Caller, work: Promise<T>): Promise<T> {
  using _waiting = waiting?.();
  const result = await untilAborted(work, signal);
  progress?.();
  return result;
}

/** A permit for a call: waiting for it is not charged to the caller. */
export async function permitFor(acquire: Acquire, { signal, rank, progress, waiting }: Caller): Promise<Disposable> {
  const permit = await acquire(signal, rank, waiting);
  progress?.();
  return permit;
}
