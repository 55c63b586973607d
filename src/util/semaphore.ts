/** Lower goes first. It is asked for again whenever a permit becomes free: the rank of a batch changes while it waits. */
export type Rank = number | (() => number);

/**
 * Takes a permit; lower `rank` goes first, and among equals whoever asked first. What `waiting` returns is held while
 * none is free. Rejects when `signal` aborts.
 */
export type Acquire = (signal: AbortSignal, rank?: Rank, waiting?: () => Disposable) => Promise<Disposable>;

interface Waiter {
  readonly rank: Rank;
  readonly enter: () => void;
}

export const rankOf = (rank: Rank): number => (typeof rank === "number" ? rank : rank());

/**
 * At most `count` permits at a time. With everybody served in the order of asking, many messages that share few permits
 * all advance in step and none of them finishes: the rank lets the oldest one through.
 */
export function createSemaphore(count: number): Acquire {
  let free = count;
  /** In the order of asking. */
  const waiting: Waiter[] = [];
  const release = () => {
    let next = 0;
    const ranks = waiting.map(({ rank }) => rankOf(rank));
    for (const [at, rank] of ranks.entries()) if (rank < (ranks[next] ?? 0)) next = at;
    const [first] = waiting.splice(next, 1);
    if (first) first.enter();
    else free++;
  };

  return async (signal, rank = 0, onWait) => {
    signal.throwIfAborted();
    if (free > 0) free--;
    else {
      using _waiting = onWait?.();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const waiter: Waiter = { rank, enter: resolve };
      waiting.push(waiter);
      const cancel = () => {
        const at = waiting.indexOf(waiter);
        // n.b. Not there: it has its permit already.
        if (at < 0) return;
        waiting.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", cancel, { once: true });
      await promise.finally(() => signal.removeEventListener("abort", cancel));
    }
    return { [Symbol.dispose]: release };
  };
}
