/** Waits for work that others may share, or that does not listen: the waiting ends with `signal`, the work need not. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}

/** The same for each of several. */
export async function* eachUntilAborted<T>(work: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = work[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // n.b. Not waited for: what does not listen would hang here as well.
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
