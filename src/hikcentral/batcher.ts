import { codeOf, Retry, Unavailable } from "../errors.ts";
import { type Caller, together } from "../util/caller.ts";

export interface BatcherOptions {
  max: number;
  /** How long a batch stays open for further items. */
  windowMs: number;
  /** One call for all of these, each named once. */
  run(key: string, items: string[], caller: Caller): Promise<void>;
}

interface Waiter {
  item: string;
  caller: Caller;
  answer: PromiseWithResolvers<void>;
}

interface Batch {
  waiters: Set<Waiter>;
  /** Aborts when no caller waits for the answer any more. */
  abandoned: AbortController;
  timer: ReturnType<typeof setTimeout>;
}

/** It says nothing of any one of them: repeated one by one, the same answer would cost as many calls. */
const isForAll = (thrown: unknown) =>
  (thrown instanceof Unavailable && !thrown.mayBeOne) ||
  (thrown instanceof Retry && thrown.suspect !== undefined) ||
  codeOf(thrown) === "hikcentral_busy";

/**
 * Gathers concurrent calls of one key into one call. When it fails, except in an outage or because the server is busy,
 * the items are repeated one by one, so that each caller gets its own answer. A caller whose signal aborts does not
 * disturb the others.
 */
export function createBatcher({ max, windowMs, run }: BatcherOptions) {
  const open = new Map<string, Batch>();

  async function flush(key: string, { waiters, abandoned, timer }: Batch): Promise<void> {
    clearTimeout(timer);
    open.delete(key);
    const items = [...new Set([...waiters].map(({ item }) => item))];
    const callers = [...waiters].map(({ caller }) => caller);
    try {
      await run(key, items, together(callers, abandoned.signal));
      for (const { answer } of waiters) answer.resolve();
    } catch (thrown) {
      const forAll = items.length === 1 || isForAll(thrown);
      for (const { item, caller, answer } of waiters) {
        if (forAll) answer.reject(thrown);
        else run(key, [item], caller).then(answer.resolve, answer.reject);
      }
    }
  }

  return async (key: string, item: string, caller: Caller): Promise<void> => {
    const { signal } = caller;
    signal.throwIfAborted();
    let batch = open.get(key);
    if (batch === undefined) {
      const timer = setTimeout(() => batch && flush(key, batch), windowMs);
      batch = { waiters: new Set(), abandoned: new AbortController(), timer };
      open.set(key, batch);
    }
    const { waiters, abandoned, timer } = batch;
    const waiter: Waiter = { item, caller, answer: Promise.withResolvers<void>() };
    const cancel = () => {
      waiters.delete(waiter);
      waiter.answer.reject(signal.reason);
      if (waiters.size > 0) return;
      clearTimeout(timer);
      if (open.get(key) === batch) open.delete(key);
      abandoned.abort(signal.reason);
    };
    waiters.add(waiter);
    signal.addEventListener("abort", cancel, { once: true });
    if (waiters.size >= max) void flush(key, batch);
    return waiter.answer.promise.finally(() => signal.removeEventListener("abort", cancel));
  };
}
