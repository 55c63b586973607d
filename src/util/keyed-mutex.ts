import { untilAborted } from "./abort.ts";

/** One at a time for each key, in the order of asking. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /** How many keys have somebody at it. */
  get size(): number {
    return this.#last.size;
  }

  /** Rejects with the signal's reason when that aborts before it is this one's turn. */
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
