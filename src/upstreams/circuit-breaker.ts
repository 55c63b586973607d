import { Unavailable } from "../errors.ts";
import { untilAborted } from "../util/abort.ts";

/** As failures, `status` and the configuration name them. */
export type UpstreamName = "hikcentral" | "eposh";
export type UpstreamState = "up" | "probing" | "down";
export type ShownState = UpstreamState | "not asked";
/** As `status` shows it. `since`: of `down`, or the last answer of one that is not asked. */
export interface Shown {
  state: ShownState;
  since: Date | undefined;
}

/** The legal moves. `probing` follows a first failure; only an answer leads out of `down`. */
const moves: Record<UpstreamState, readonly UpstreamState[]> = {
  up: ["probing"],
  probing: ["up", "down"],
  down: ["up"],
};

export interface CircuitBreakerOptions {
  /** True when the upstream answers, with anything. */
  probe: (signal: AbortSignal) => Promise<boolean>;
  say: (state: UpstreamState, name: UpstreamName) => void;
  /** Between two probes while it is down. */
  everyMs?: number;
  now?: () => Date;
}

/** An answer that is older proves no more that the upstream still answers. */
const freshMs = 5 * 60_000;
export const shownBy = (answeredAt: Date | undefined, now: Date): Shown =>
  answeredAt && now.getTime() - answeredAt.getTime() <= freshMs
    ? { state: "up", since: undefined }
    : { state: "not asked", since: answeredAt };

/** Whether an upstream answers. A failed call only raises the question; the probe decides. */
export class CircuitBreaker implements AsyncDisposable {
  state: UpstreamState = "up";
  downSince: Date | undefined;
  #answeredAt: Date | undefined;
  readonly #stop = new AbortController();
  #calls = new AbortController();
  #judgement: Promise<boolean> | undefined;
  #recovery: Promise<void> | undefined;

  constructor(
    readonly name: UpstreamName,
    readonly options: CircuitBreakerOptions,
  ) {}

  /** Told of each answer, whatever it says. */
  answered(): void {
    this.#answeredAt = this.#now();
  }

  /** n.b. A failure after the last answer would have raised the question. */
  get shown(): Shown {
    const { state, downSince: since } = this;
    return state === "up" ? shownBy(this.#answeredAt, this.#now()) : { state, since };
  }

  #now(): Date {
    return this.options.now?.() ?? new Date();
  }

  /** Aborts when it goes down, with a failure that costs no attempt: otherwise a call that hangs would keep its permit. */
  get signal(): AbortSignal {
    return this.#calls.signal;
  }

  /** Asked after a transport failure: is it down? Concurrent callers share one probe. */
  isDown(): Promise<boolean> {
    if (this.state === "down") return Promise.resolve(true);
    this.#judgement ??= this.#judge().finally(() => {
      this.#judgement = undefined;
    });
    return this.#judgement;
  }

  /** Resolves when it answers again. */
  closed(): Promise<void> {
    return this.#recovery ?? Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#judgement, this.#recovery]);
  }

  async #judge(): Promise<boolean> {
    this.#move("probing");
    const answers = await this.options.probe(this.#stop.signal);
    this.#move(answers || this.#stop.signal.aborted ? "up" : "down");
    return !answers;
  }

  /** Starts one probe after another without waiting: a probe that hangs must not hide that the upstream is back. */
  async #recover(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const over = new AbortController();
    const look = async () => {
      if (await this.options.probe(over.signal)) resolve();
    };
    const timer = setInterval(look, this.options.everyMs ?? 1_000);
    await untilAborted(promise, this.#stop.signal).catch(() => {});
    clearInterval(timer);
    over.abort();
    if (!this.#stop.signal.aborted) this.#move("up");
  }

  #move(to: UpstreamState): void {
    if (!moves[this.state].includes(to)) throw new Error(`${this.name} cannot go from ${this.state} to ${to}`);
    const worthSaying = to === "down" || this.state === "down";
    this.state = to;
    this.downSince = to === "down" ? this.#now() : undefined;
    if (to === "down") {
      this.#recovery = this.#recover().finally(() => {
        this.#recovery = undefined;
      });
      this.#calls.abort(new Unavailable(this.name, `${this.name} is down`, { code: `${this.name}_down` }));
    } else if (this.#calls.signal.aborted) this.#calls = new AbortController();
    if (worthSaying) this.options.say(to, this.name);
  }
}
