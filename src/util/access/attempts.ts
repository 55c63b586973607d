const minuteMs = 60_000;
const maxSources = 10_000;

/** Whoever has an IPv6 address has a whole /64 of them. n.b. A daemon on :: sees IPv4 callers as ::ffff:10.0.0.7. */
export function sourceOf(address: string): string {
  const [, mapped] = /^::ffff:([\d.]+)$/i.exec(address) ?? [];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [before = "", after] = address.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = after === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => "0"), ...(after ?? [])];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** Counts wrong tokens by source, within bounded memory. */
export class Attempts {
  readonly #wrong = new Map<string, { since: number; count: number }>();

  constructor(readonly now: () => number = Date.now) {}

  /** How many in the last minute, this one included. */
  add(source: string): number {
    const known = this.#wrong.get(source);
    const isRecent = known !== undefined && this.now() - known.since < minuteMs;
    const { since, count } = isRecent ? known : { since: this.now(), count: 0 };
    // Set anew it is the latest: the one that was quiet for longest is forgotten first.
    this.#wrong.delete(source);
    this.#wrong.set(source, { since, count: count + 1 });
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > maxSources && oldest !== undefined) this.#wrong.delete(oldest);
    return count + 1;
  }
}
