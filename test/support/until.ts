export interface UntilOptions {
  /** 60 s unless told otherwise: a machine may be slow and busy. */
  timeoutMs?: number;
  /** Unless told otherwise a twentieth of what it has waited, between 10 and 50 ms. */
  everyMs?: number;
  /** Named when the time is up. */
  what?: string;
}

/** Waits until `condition` gives something truthy and returns it; an error thrown by it counts as "not yet". */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs, what = "the condition" }: UntilOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const start = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, undefined | null | false | 0 | "">;
      last = value;
    } catch (error) {
      last = error;
    }
    const waitedMs = performance.now() - start;
    if (waitedMs > timeoutMs)
      throw new Error(`waited ${timeoutMs} ms for ${what}, last seen: ${Bun.inspect(last)}`, { cause: last });
    await Bun.sleep(everyMs ?? Math.min(50, Math.max(10, waitedMs / 20)));
  }
}
