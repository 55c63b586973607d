/** At most `count` at a time, first come first served. Waiting ends with the signal's reason when it aborts. */
export function createSemaphore(count: number): (signal: AbortSignal) => Promise<Disposable> {
  let free = count;
  const waiting = new Set<() => void>();
  const release = () => {
    const [next] = waiting;
    if (next) next();
    else free++;
  };

  return async (signal) => {
    signal.throwIfAborted();
    if (free > 0) free--;
    else {
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          waiting.delete(enter);
          reject(signal.reason);
        };
        const enter = () => {
          waiting.delete(enter);
          signal.removeEventListener("abort", leave);
          resolve();
        };
        waiting.add(enter);
        signal.addEventListener("abort", leave, { once: true });
      });
    }
    return { [Symbol.dispose]: release };
  };
}
