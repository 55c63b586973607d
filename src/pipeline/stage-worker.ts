import { setTimeout as sleep } from "node:timers/promises";
import { BrokerDown, type Consumer, type Delivery } from "../broker/broker.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Placed } from "../registry/registry.ts";
import type { Upstream } from "../upstreams/circuit-breaker.ts";
import { untilAborted } from "../util/abort.ts";
import { type Failed, type Pause, Round } from "./consume-session.ts";
import { Passage, type Passed } from "./delivery-handler.ts";
import type { Shop } from "./stage-context.ts";
import { watchForStall } from "./stall-detector.ts";

const streakToPause = 20;
/** Between two tries with one real message; of an outage that the probe does not see, so that work goes on within 5 s. */
const tryAgainMs = { outage: [1_000, 2_000, 4_000], other: [5_000, 10_000, 20_000, 40_000, 60_000] };
/** How long RabbitMQ may take a connection that was cut for a living one, at a heartbeat of up to a minute. */
const countedMs = 150_000;
/** A trial that finds no message to try with is over. */
const nothingToTryMs = 5_000;

/** One stage at work: rounds of consuming, a pause between two of them. */
export class Worker {
  lastTakenAt: Date | undefined;
  /** Whether it has its queue: from the first round on, also in a pause. */
  consuming = false;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #giveUp = new AbortController();
  #round = new Round(false, () => {});
  #met: { pause: Pause; since: Date } | undefined;
  #held: { pause: Pause; since: Date; released: PromiseWithResolvers<void> } | undefined;
  #streak = { code: "", items: new Set<string>() };
  #driven: Promise<unknown> = Promise.resolve();
  #movedAt = performance.now();
  #stalledMs: number | undefined;
  #subscribed = false;
  #hadOthers = false;

  constructor(
    readonly placed: Placed,
    readonly shop: Shop,
  ) {
    this.#log = shop.log.child({ stage: placed.stage.name });
  }

  get pause(): Pause | undefined {
    return (this.#held ?? this.#met)?.pause;
  }

  get pausedSince(): Date | undefined {
    return (this.#held ?? this.#met)?.since;
  }

  /** Takes no more work until `release`; what is in hand is finished. */
  hold(text: string, since: Date): void {
    const pause: Pause = { reason: "operator", upstream: undefined, code: "paused_by_operator", text };
    this.#held ??= { pause, since, released: Promise.withResolvers() };
    this.#round.end(pause);
  }

  release(): void {
    this.#held?.released.resolve();
    this.#held = undefined;
  }

  get inHand(): number {
    return this.#round.inHand;
  }

  /** Work is ready, and yet none was taken, sent on or finished for so long. */
  get stalledMs(): number | undefined {
    return this.#stalledMs;
  }

  start(): void {
    const { broker, stallMs } = this.shop;
    const watching = watchForStall({
      ready: () => this.#look(),
      movedAt: () => Math.max(this.#movedAt, this.#round.movedAt),
      rests: () => this.pause !== undefined || broker.state !== "up",
      stallMs,
      signal: this.#stop.signal,
      onChange: (stalledMs) => this.#stall(stalledMs),
    });
    this.#driven = Promise.all([this.#drive(), watching]);
  }

  /** Takes no more work and finishes what is in hand; what is not finished when `late` aborts goes back. */
  async stop(late: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#held?.released.resolve();
    this.#round.end();
    late.addEventListener("abort", () => this.#giveUp.abort(), { once: true });
    if (late.aborted) this.#giveUp.abort();
    await this.#driven;
  }

  async #drive(): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; ) {
      if (this.#held) {
        this.consuming = true;
        await this.#held.released.promise;
        continue;
      }
      const pause = await this.#consume(tries);
      if (pause?.reason === "operator") continue;
      if (pause === undefined) {
        tries = 0;
        this.#goOn();
        continue;
      }
      if (this.#met?.pause.code !== pause.code) {
        this.#met = { pause, since: this.#met?.since ?? this.shop.now() };
        this.shop.onPause(this.placed.stage.name, pause);
        this.#log.warn(`paused: ${pause.text}`, { code: pause.code });
        tries = 0;
      }
      tries = (await this.#wayBack(pause, tries)) ? 0 : tries + 1;
      if (tries === 0) this.#goOn();
    }
  }

  #goOn(): void {
    if (this.#met && !this.#stop.signal.aborted && !this.#held) this.#log.info(`${this.placed.stage.name} goes on`);
    this.#met = undefined;
  }

  /** Who takes from the queue, and how much is ready in it. */
  async #look(): Promise<number | undefined> {
    const { broker, ledger } = this.shop;
    const { queue, name } = this.placed.stage;
    const before = this.#subscribed;
    const depth = await broker.depth(queue);
    // n.b. RabbitMQ counts what we lost with a connection until it misses its heartbeat.
    if (performance.now() - broker.backAt < countedMs) return depth?.ready;
    const hasOthers = (depth?.consumers ?? 0) > Number(before || this.#subscribed);
    // n.b. It counts a daemon that was killed for a moment longer, too.
    ledger.shared[hasOthers && this.#hadOthers ? "add" : "delete"](name);
    this.#hadOthers = hasOthers;
    return depth?.ready;
  }

  /** A consumer that is silent for no reason is replaced; what is in hand has a deadline of its own. */
  #stall(stalledMs: number | undefined): void {
    this.#stalledMs = stalledMs;
    if (stalledMs === undefined) return;
    const { queue, name } = this.placed.stage;
    const what = this.inHand > 0 ? `${this.inHand} in hand do not finish` : "none is delivered: subscribing again";
    const seconds = Math.round(stalledMs / 1000);
    this.#log.error(`${name} STALLS: ${queue} has messages, for ${seconds} s nothing moves, ${what}`, {
      code: "stalled",
    });
    if (this.inHand === 0) this.#round.end();
  }

  /**
   * One round. After a pause it is a trial: one message at a time, until one went through. Of an outage that the probe
   * does not see it is one more at each try, or a message for which alone its upstream fails would keep all others back.
   */
  async #consume(tries: number): Promise<Pause | undefined> {
    const { concurrency } = this.placed;
    const trial = tries > 0;
    const atATime = trial ? (this.#met?.pause.reason === "outage" ? Math.min(tries, concurrency) : 1) : concurrency;
    const round: Round = new Round(trial, (failed) => this.#count(failed, round));
    this.#round = round;
    const take = (delivery: Delivery) => {
      this.lastTakenAt = this.shop.now();
      this.#movedAt = performance.now();
      const passage = new Passage(this.placed, this.shop, delivery, round, this.#giveUp.signal);
      round.hold(
        passage,
        passage.pass().then((passed) => this.#judge(passed, round)),
      );
    };
    const consumer = await this.#subscribe(atATime, take);
    if (consumer === undefined) return undefined;
    this.consuming = this.#subscribed = true;
    if (this.#stop.signal.aborted) round.end();
    const nothing = setTimeout(() => trial && round.inHand === 0 && round.end(), nothingToTryMs);
    const pause = await round.ended;
    clearTimeout(nothing);
    if (this.#downOf(pause)) round.abort("its upstream is down");
    await consumer.stop();
    this.#subscribed = false;
    round.hush();
    await round.emptied();
    return pause;
  }

  /** Once the broker is there; undefined when stopped before. Afterwards the consumer comes back by itself. */
  async #subscribe(prefetch: number, take: (delivery: Delivery) => void): Promise<Consumer | undefined> {
    const { queue } = this.placed.stage;
    const signal = this.#stop.signal;
    for (let said = ""; !signal.aborted; ) {
      try {
        return await this.shop.broker.consume(queue, prefetch, take);
      } catch (error) {
        const text = `${queue} cannot be consumed yet: ${textOf(error)}`;
        if (!(error instanceof BrokerDown) && text !== said) this.#log.error(text);
        said = text;
        // Somebody may have deleted it while the stage was paused.
        await this.shop.broker.declare([queue]).catch(() => {});
        await sleep(1_000, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }

  /** True once the probe is answered; what the probe cannot see ends by one real message at a time. */
  async #wayBack(pause: Pause, tries: number): Promise<boolean> {
    const signal = this.#stop.signal;
    const down = this.#downOf(pause);
    if (down) {
      await untilAborted(down.back(), signal).catch(() => {});
      return true;
    }
    const waits = tryAgainMs[pause.reason === "outage" ? "outage" : "other"];
    await sleep(waits[tries] ?? waits.at(-1), undefined, { signal }).catch(() => {});
    return false;
  }

  /** The upstream that is waited for, if its probe says that it is down. */
  #downOf(pause: Pause | undefined): Upstream | undefined {
    const upstream = pause?.reason === "outage" ? this.shop.upstreams.get(pause.upstream ?? "") : undefined;
    return upstream?.state === "down" ? upstream : undefined;
  }

  #judge(passed: Passed, round: Round): void {
    this.#movedAt = performance.now();
    if (passed !== "done" && passed !== "ended") return;
    this.#streak.items.clear();
    if (round.trial) round.end();
  }

  #count({ id, code, text }: Failed, round: Round): void {
    if (this.#streak.code !== code) this.#streak = { code, items: new Set() };
    this.#streak.items.add(id);
    const { size } = this.#streak.items;
    if (size < streakToPause) return;
    const why = `${size} different messages in a row failed with ${code}, the last: ${text}`;
    round.end({ reason: "streak", upstream: undefined, code, text: why });
  }
}
