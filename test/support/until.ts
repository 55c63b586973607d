export interface UntilOptions {
  /** 30 s unless told otherwise: a machine may be busy. */
  timeoutMs?: number;
  /** 10 ms unless told otherwise. */
  everyMs?: number;
  /** Named when the time is up. */
  what?: string;
}

/** Waits until `condition` gives something truthy and returns it; an error thrown by it counts as "not yet". */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 30_000, everyMs = 10, what = "the condition" }: UntilOptions = {},
): Promise<Exclude<T, undefined | null | false | 0 | "">> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, undefined | null | false | 0 | "">;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`waited ${timeoutMs} ms for ${what}, last seen: ${Bun.inspect(last)}`, { cause: last });
    await Bun.sleep(everyMs);
  }
}
