import { setTimeout as sleep } from "node:timers/promises";

export interface BackoffOptions {
  /** The first wait; each further one is twice as long. */
  firstMs: number;
  /** The longest wait; without it all waits are as long as the first. */
  maxMs?: number;
  /** Ends the attempts, also in the middle of a wait. */
  signal?: AbortSignal | undefined;
  /** False: a wait alone does not keep the process alive. */
  ref?: boolean;
}

/**
 * `for await (const failures of backoff({ … }))` is one attempt at once, and another after each wait. The loop is left
 * by `return` or `break` when an attempt succeeds; it ends by itself only when `signal` aborts.
 */
export async function* backoff({ firstMs, maxMs = firstMs, signal, ref = true }: BackoffOptions) {
  let waitMs = firstMs;
  for (let failures = 0; !signal?.aborted; failures++) {
    yield failures;
    await sleep(waitMs, undefined, { ref, ...(signal && { signal }) }).catch(() => {});
    waitMs = Math.min(2 * waitMs, maxMs);
  }
}
