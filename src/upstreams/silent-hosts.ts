import { type Shown, shownBy } from "./circuit-breaker.ts";

const [firstMs, longestMs] = [5_000, 60_000];
/** Whoever writes the links could name a new one each time. */
const maxHosts = 200;

/**
 * Hosts that gave no answer when they were asked last, so that not every caller waits for them. After a while, which
 * grows, one caller asks again; any answer ends the silence.
 */
export class SilentHosts {
  readonly #hosts = new Map<string, { until: number; ms: number }>();
  #answeredAt: Date | undefined;
  /** The first failure since the last answer. */
  #silentSince: Date | undefined;

  constructor(readonly now: () => number) {}

  /** Whether the caller should ask the host; of several callers one is told so. */
  mayAsk(origin: string): boolean {
    const silence = this.#hosts.get(origin);
    if (silence === undefined) return true;
    if (this.now() < silence.until) return false;
    silence.until = this.now() + silence.ms;
    return true;
  }

  /** All of them together. */
  get shown(): Shown {
    if (this.#silentSince) return { state: "down", since: this.#silentSince };
    return shownBy(this.#answeredAt, new Date(this.now()));
  }

  answered(origin: string): void {
    this.#answeredAt = new Date(this.now());
    this.#silentSince = undefined;
    this.#hosts.delete(origin);
  }

  silent(origin: string): void {
    this.#silentSince ??= new Date(this.now());
    const before = this.#hosts.get(origin);
    const ms = before ? Math.min(2 * before.ms, longestMs) : firstMs;
    this.#hosts.delete(origin);
    this.#hosts.set(origin, { until: this.now() + ms, ms });
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size > maxHosts && oldest !== undefined) this.#hosts.delete(oldest);
  }
}
