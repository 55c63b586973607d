import { Retry, Unavailable } from "../errors.ts";

export interface BatcherOptions {
  max: number;
  /** How long a batch stays open for further items. */
  windowMs: number;
  /** One call for all of these, each named once. */
  run(key: string, items: string[], signal: AbortSignal): Promise<void>;
}

interface Caller {
  item: string;
  signal: AbortSignal;
  answer: PromiseWithResolvers<void>;
}

interface Batch {
  callers: Set<Caller>;
  /** Aborts when no caller waits for the answer any more. */
  abandoned: AbortController;
  timer: ReturnType<typeof setTimeout>;
}

const isOutage = (thrown: unknown) =>
  thrown instanceof Unavailable || (thrown instanceof Retry && thrown.suspect !== undefined);

/**
 * Gathers concurrent calls of one key into one call. When it fails, except in an outage, the items are repeated one by
 * one, so that each caller gets its own answer. A caller whose signal aborts does not disturb the others.
 */
export function createBatcher({ max, windowMs, run }: BatcherOptions) {
  const open = new Map<string, Batch>();

  async function flush(key: string, { callers, abandoned, timer }: Batch): Promise<void> {
    clearTimeout(timer);
    open.delete(key);
    const items = [...new Set([...callers].map(({ item }) => item))];
    try {
      await run(key, items, abandoned.signal);
      for (const { answer } of callers) answer.resolve();
    } catch (thrown) {
      const forAll = items.length === 1 || isOutage(thrown);
      for (const { item, signal, answer } of callers) {
        if (forAll) answer.reject(thrown);
        else run(key, [item], signal).then(answer.resolve, answer.reject);
      }
    }
  }

  return async (key: string, item: string, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    let batch = open.get(key);
    if (batch === undefined) {
      const timer = setTimeout(() => batch && flush(key, batch), windowMs);
      batch = { callers: new Set(), abandoned: new AbortController(), timer };
      open.set(key, batch);
    }
    const { callers, abandoned, timer } = batch;
    const caller: Caller = { item, signal, answer: Promise.withResolvers<void>() };
    const cancel = () => {
      callers.delete(caller);
      caller.answer.reject(signal.reason);
      if (callers.size > 0) return;
      clearTimeout(timer);
      if (open.get(key) === batch) open.delete(key);
      abandoned.abort(signal.reason);
    };
    callers.add(caller);
    signal.addEventListener("abort", cancel, { once: true });
    if (callers.size >= max) void flush(key, batch);
    return caller.answer.promise.finally(() => signal.removeEventListener("abort", cancel));
  };
}
