import { untilAborted } from "./abort.ts";

/** One holder at a time for each key, first come first served. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /** How many keys are locked or waited for. */
  get size(): number {
    return this.#last.size;
  }

  /** Rejects with the signal's reason when that aborts before the lock is acquired. */
  async acquire(key: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(key, promise);
    const release = () => {
      if (this.#last.get(key) === promise) this.#last.delete(key);
      resolve();
    };
    try {
      if (before) await untilAborted(before, signal);
    } catch (error) {
      void before?.then(release);
      throw error;
    }
    return { [Symbol.dispose]: release };
  }
}
