import { setTimeout as sleep } from "node:timers/promises";
import { BrokerDown, type Consumer, type Delivery } from "../broker/broker.ts";
import { type Outcome, textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import { untilAborted } from "../util/abort.ts";
import { ConsumeSession, type Failed, type Pause } from "./consume-session.ts";
import { DeliveryHandler } from "./delivery-handler.ts";
import type { PipelineDeps } from "./stage-context.ts";
import { watchForStall } from "./stall-detector.ts";

const streakToPause = 20;
/** Between two tries with one real message; of an outage that the probe does not see, so that work goes on within 5 s. */
const tryAgainMs = { outage: [1_000, 2_000, 4_000], other: [5_000, 10_000, 20_000, 40_000, 60_000] };
/** How long RabbitMQ may take a connection that was cut for a living one, at a heartbeat of up to a minute. */
const countedMs = 150_000;
/** A canary that finds no message to try with is over. */
const nothingToTryMs = 5_000;

/** One stage at work: rounds of consuming, a pause between two of them. */
export class StageWorker {
  lastTakenAt: Date | undefined;
  /** Whether it has its queue: from the first session on, also in a pause. */
  consuming = false;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #hardStop = new AbortController();
  #session = new ConsumeSession(false, () => {});
  #faultPause: { pause: Pause; since: Date } | undefined;
  #operatorPause: { pause: Pause; since: Date; released: PromiseWithResolvers<void> } | undefined;
  #streak = { code: "", items: new Set<string>() };
  #driven: Promise<unknown> = Promise.resolve();
  #lastProgressAt = performance.now();
  #stalledMs: number | undefined;
  #subscribed = false;
  #hadOthers = false;

  constructor(
    readonly registered: RegisteredStage,
    readonly deps: PipelineDeps,
  ) {
    this.#log = deps.log.child({ stage: registered.stage.name });
  }

  get currentPause(): Pause | undefined {
    return (this.#operatorPause ?? this.#faultPause)?.pause;
  }

  get pausedSince(): Date | undefined {
    return (this.#operatorPause ?? this.#faultPause)?.since;
  }

  /** Takes no more work until `release`; what is in hand is finished. */
  pause(text: string, since: Date): void {
    const pause: Pause = { reason: "operator", upstream: undefined, code: "paused_by_operator", text };
    this.#operatorPause ??= { pause, since, released: Promise.withResolvers() };
    this.#session.end(pause);
  }

  resume(): void {
    this.#operatorPause?.released.resolve();
    this.#operatorPause = undefined;
  }

  get inFlight(): number {
    return this.#session.inFlight;
  }

  /** Work is ready, and yet none was taken, sent on or finished for so long. */
  get stalledMs(): number | undefined {
    return this.#stalledMs;
  }

  start(): void {
    const { broker, stallMs } = this.deps;
    const watching = watchForStall({
      ready: () => this.#checkQueue(),
      lastProgressAt: () => Math.max(this.#lastProgressAt, this.#session.lastProgressAt),
      isIdleExpected: () => this.currentPause !== undefined || broker.state !== "up",
      stallMs,
      signal: this.#stop.signal,
      onChange: (stalledMs) => this.#stall(stalledMs),
    });
    this.#driven = Promise.all([this.#drive(), watching]);
  }

  /** Takes no more work and finishes what is in hand; what is not finished when `hardStop` aborts goes back. */
  async stop(hardStop: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#operatorPause?.released.resolve();
    this.#session.end();
    hardStop.addEventListener("abort", () => this.#hardStop.abort(), { once: true });
    if (hardStop.aborted) this.#hardStop.abort();
    await this.#driven;
  }

  async #drive(): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; ) {
      if (this.#operatorPause) {
        this.consuming = true;
        await this.#operatorPause.released.promise;
        continue;
      }
      const pause = await this.#consume(tries);
      if (pause?.reason === "operator") continue;
      if (pause === undefined) {
        tries = 0;
        this.#endFaultPause();
        continue;
      }
      if (this.#faultPause?.pause.code !== pause.code) {
        this.#faultPause = { pause, since: this.#faultPause?.since ?? this.deps.now() };
        this.deps.onPause(this.registered.stage.name, pause);
        this.#log.warn(`paused: ${pause.text}`, { code: pause.code });
        tries = 0;
      }
      tries = (await this.#awaitRecovery(pause, tries)) ? 0 : tries + 1;
      if (tries === 0) this.#endFaultPause();
    }
  }

  #endFaultPause(): void {
    if (this.#faultPause && !this.#stop.signal.aborted && !this.#operatorPause)
      this.#log.info(`${this.registered.stage.name} goes on`);
    this.#faultPause = undefined;
  }

  /** Who takes from the queue, and how much is ready in it. */
  async #checkQueue(): Promise<number | undefined> {
    const { broker, ledger } = this.deps;
    const { queue, name } = this.registered.stage;
    const before = this.#subscribed;
    const depth = await broker.depth(queue);
    // n.b. RabbitMQ counts what we lost with a connection until it misses its heartbeat.
    if (performance.now() - broker.backAt < countedMs) return depth?.ready;
    const hasOthers = (depth?.consumers ?? 0) > Number(before || this.#subscribed);
    // n.b. It counts a daemon that was killed for a moment longer, too.
    ledger.sharedStages[hasOthers && this.#hadOthers ? "add" : "delete"](name);
    this.#hadOthers = hasOthers;
    return depth?.ready;
  }

  /** A consumer that is silent for no reason is replaced; what is in hand has a deadline of its own. */
  #stall(stalledMs: number | undefined): void {
    this.#stalledMs = stalledMs;
    if (stalledMs === undefined) return;
    const { queue, name } = this.registered.stage;
    const what = this.inFlight > 0 ? `${this.inFlight} in hand do not finish` : "none is delivered: subscribing again";
    const seconds = Math.round(stalledMs / 1000);
    this.#log.error(`${name} STALLS: ${queue} has messages, for ${seconds} s nothing moves, ${what}`, {
      code: "stalled",
    });
    if (this.inFlight === 0) this.#session.end();
  }

  /**
   * One session. After a pause it is a canary: one message at a time, until one went through. Of an outage that the probe
   * does not see it is one more at each try, or a message for which alone its upstream fails would keep all others back.
   */
  async #consume(tries: number): Promise<Pause | undefined> {
    const { concurrency } = this.registered;
    const canary = tries > 0;
    const atATime = canary
      ? this.#faultPause?.pause.reason === "outage"
        ? Math.min(tries, concurrency)
        : 1
      : concurrency;
    const session: ConsumeSession = new ConsumeSession(canary, (failed) => this.#count(failed, session));
    this.#session = session;
    const take = (delivery: Delivery) => {
      this.lastTakenAt = this.deps.now();
      this.#lastProgressAt = performance.now();
      const handler = new DeliveryHandler(this.registered, this.deps, delivery, session, this.#hardStop.signal);
      session.track(
        handler,
        handler.handle().then((outcome) => this.#judge(outcome, session)),
      );
    };
    const consumer = await this.#subscribe(atATime, take);
    if (consumer === undefined) return undefined;
    this.consuming = this.#subscribed = true;
    if (this.#stop.signal.aborted) session.end();
    const nothing = setTimeout(() => canary && session.inFlight === 0 && session.end(), nothingToTryMs);
    const pause = await session.ended;
    clearTimeout(nothing);
    if (this.#openBreakerOf(pause)) session.abort("its upstream is down");
    await consumer.stop();
    this.#subscribed = false;
    session.consumerStopped();
    await session.whenEmpty();
    return pause;
  }

  /** Once the broker is there; undefined when stopped before. Afterwards the consumer comes back by itself. */
  async #subscribe(prefetch: number, take: (delivery: Delivery) => void): Promise<Consumer | undefined> {
    const { queue } = this.registered.stage;
    const signal = this.#stop.signal;
    for (let lastText = ""; !signal.aborted; ) {
      try {
        return await this.deps.broker.consume(queue, prefetch, take);
      } catch (error) {
        const text = `${queue} cannot be consumed yet: ${textOf(error)}`;
        if (!(error instanceof BrokerDown) && text !== lastText) this.#log.error(text);
        lastText = text;
        // Somebody may have deleted it while the stage was paused.
        await this.deps.broker.declare([queue]).catch(() => {});
        await sleep(1_000, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }

  /** True once the probe is answered; what the probe cannot see ends by one real message at a time. */
  async #awaitRecovery(pause: Pause, tries: number): Promise<boolean> {
    const signal = this.#stop.signal;
    const down = this.#openBreakerOf(pause);
    if (down) {
      await untilAborted(down.closed(), signal).catch(() => {});
      return true;
    }
    const waits = tryAgainMs[pause.reason === "outage" ? "outage" : "other"];
    await sleep(waits[tries] ?? waits.at(-1), undefined, { signal }).catch(() => {});
    return false;
  }

  /** The upstream that is waited for, if its probe says that it is down. */
  #openBreakerOf(pause: Pause | undefined): CircuitBreaker | undefined {
    const upstream = pause?.reason === "outage" ? this.deps.breakers.get(pause.upstream ?? "") : undefined;
    return upstream?.state === "down" ? upstream : undefined;
  }

  #judge(outcome: Outcome, session: ConsumeSession): void {
    this.#lastProgressAt = performance.now();
    if (outcome !== "done" && outcome !== "ended") return;
    this.#streak.items.clear();
    if (session.canary) session.end();
  }

  #count({ id, code, text }: Failed, session: ConsumeSession): void {
    if (this.#streak.code !== code) this.#streak = { code, items: new Set() };
    this.#streak.items.add(id);
    const { size } = this.#streak.items;
    if (size < streakToPause) return;
    const why = `${size} different messages in a row failed with ${code}, the last: ${text}`;
    session.end({ reason: "streak", upstream: undefined, code, text: why });
  }
}
