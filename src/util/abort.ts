/** Waits for `work`, but no longer than until `signal` aborts; the work itself may continue. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}

/** The same for each value of an iterator. */
export async function* eachUntilAborted<T>(work: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = work[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // n.b. Not awaited: a generator that ignores the signal would hang here too.
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
