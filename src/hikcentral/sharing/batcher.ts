import { codeOf, Retry, Unavailable } from "../../errors.ts";
import { untilAborted } from "../../util/abort.ts";
import { type Caller, together } from "../../util/caller.ts";
import { rankOf } from "../../util/semaphore.ts";
import { inParts } from "../../util/turns/in-parts.ts";

export interface BatcherOptions {
  max: number;
  /** One call for all of these, each named once. It asks for the items when it has its permit. */
  run(key: string, items: () => readonly string[], caller: Caller): Promise<void>;
  now?: () => number;
}

interface Waiter {
  item: string;
  caller: Caller;
  answer: PromiseWithResolvers<void>;
}

/** A batch that is not full waits so long for others while all permits are in use. */
const fillForMs = 1_000;

/** Each goes on with work of its own: between two parts the answers to other calls have their turn. */
const wokenAtATime = 4;

/** It says nothing of any one of them: repeated one by one, the same answer would cost as many calls. */
const isForAll = (thrown: unknown) =>
  (thrown instanceof Unavailable && !thrown.mayBeOne) ||
  (thrown instanceof Retry && thrown.suspect !== undefined) ||
  codeOf(thrown) === "hikcentral_busy";

/** The items of one key that one call will carry. */
class Batch {
  readonly waiters = new Set<Waiter>();
  /** Aborts when no caller waits for the answer any more. */
  readonly abandoned = new AbortController();
  /** Sent, full or abandoned: no further item joins. */
  isClosed = false;
  #items: readonly string[] | undefined;

  constructor(
    readonly max: number,
    readonly openedAt: number,
  ) {}

  /** Fixed once its call is sent. */
  items = (): readonly string[] => {
    this.isClosed = true;
    this.#items ??= [...new Set([...this.waiters].map(({ item }) => item))];
    return this.#items;
  };

  *callers(): Generator<Caller> {
    for (const { caller } of this.waiters) yield caller;
  }

  /**
   * After all that waits for a permit, until it is full or `fillForMs` old: so a call fills up while the permits are in
   * use, and goes out at once where one would be idle.
   */
  rankAt(now: number): number {
    const isDue = this.waiters.size >= this.max || now - this.openedAt >= fillForMs;
    return isDue ? rankOf(together([...this.callers()], this.abandoned.signal).rank ?? 0) : Number.POSITIVE_INFINITY;
  }
}

/**
 * Gathers concurrent calls of one key into one call. When it fails, except in an outage or because the server is busy,
 * the items are repeated one by one, so that each caller gets its own answer. A caller whose signal aborts does not
 * disturb the others.
 */
export function createBatcher({ max, run, now = () => performance.now() }: BatcherOptions) {
  const open = new Map<string, Batch>();

  async function send(key: string, batch: Batch): Promise<void> {
    const { waiters, abandoned, items } = batch;
    const caller = {
      ...together({ [Symbol.iterator]: () => batch.callers() }, abandoned.signal),
      rank: () => batch.rankAt(now()),
    };
    try {
      await run(key, items, caller);
      for await (const part of inParts([...waiters], wokenAtATime)) for (const { answer } of part) answer.resolve();
    } catch (thrown) {
      const forAll = items().length === 1 || isForAll(thrown);
      for (const { item, caller, answer } of waiters) {
        if (forAll) answer.reject(thrown);
        else run(key, () => [item], caller).then(answer.resolve, answer.reject);
      }
    }
  }

  return async (key: string, item: string, caller: Caller): Promise<void> => {
    const { signal, waiting } = caller;
    signal.throwIfAborted();
    let batch = open.get(key);
    const isNew = batch === undefined || batch.isClosed;
    if (batch === undefined || batch.isClosed) {
      batch = new Batch(max, now());
      open.set(key, batch);
    }
    const { waiters, abandoned } = batch;
    const waiter: Waiter = { item, caller, answer: Promise.withResolvers<void>() };
    waiters.add(waiter);
    if (waiters.size >= max) batch.isClosed = true;
    if (isNew) void send(key, batch);
    // Waiting for the others is not charged to it.
    using _waiting = waiting?.();
    return await untilAborted(waiter.answer.promise, signal).finally(() => {
      waiters.delete(waiter);
      if (waiters.size > 0) return;
      batch.isClosed = true;
      abandoned.abort(signal.reason);
    });
  };
}
