import { setTimeout as sleep } from "node:timers/promises";

export type UpstreamState = "up" | "probing" | "down";

/** What may follow what. `probing` is a first suspicion; from `down` only an answer leads back. */
const moves: Record<UpstreamState, readonly UpstreamState[]> = {
  up: ["probing"],
  probing: ["up", "down"],
  down: ["up"],
};

export interface UpstreamOptions {
  /** True when it answers, whatever the answer. */
  probe: (signal: AbortSignal) => Promise<boolean>;
  say: (state: UpstreamState, name: string) => void;
  /** Between two probes of one that is down. */
  everyMs?: number;
}

/** Whether a foreign system answers. A failure only raises the question; the probe decides. */
export class Upstream implements AsyncDisposable {
  state: UpstreamState = "up";
  downSince: Date | undefined;
  readonly #stop = new AbortController();
  #judgement: Promise<boolean> | undefined;
  #recovery: Promise<void> | undefined;

  constructor(
    readonly name: string,
    readonly options: UpstreamOptions,
  ) {}

  /** A transport failure was met: is it down? Callers at the same time share one probe. */
  isDown(): Promise<boolean> {
    if (this.state === "down") return Promise.resolve(true);
    this.#judgement ??= this.#judge().finally(() => {
      this.#judgement = undefined;
    });
    return this.#judgement;
  }

  /** Resolves when it answers again. */
  back(): Promise<void> {
    if (this.state !== "down") return Promise.resolve();
    this.#recovery ??= this.#recover().finally(() => {
      this.#recovery = undefined;
    });
    return this.#recovery;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#judgement, this.#recovery]);
  }

  async #judge(): Promise<boolean> {
    this.#move("probing");
    const answers = await this.options.probe(this.#stop.signal);
    this.#move(answers ? "up" : "down");
    return !answers;
  }

  async #recover(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(this.options.everyMs ?? 2000, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (!this.#stop.signal.aborted && (await this.options.probe(this.#stop.signal))) return this.#move("up");
    }
  }

  #move(to: UpstreamState): void {
    if (!moves[this.state].includes(to)) throw new Error(`${this.name} cannot go from ${this.state} to ${to}`);
    const worthSaying = to === "down" || this.state === "down";
    this.state = to;
    this.downSince = to === "down" ? new Date() : undefined;
    if (worthSaying) this.options.say(to, this.name);
  }
}
