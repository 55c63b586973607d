import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerDown, type Consumer, type Delivery } from "../broker/broker.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { Passage, type Passed } from "./passage.ts";
import type { Placed } from "./registry.ts";
import { type Pause, Round } from "./round.ts";
import type { Shop } from "./shop.ts";

const streakToPause = 20;
/** Between two tries of a refused set-up or a failing streak. */
const tryAgainMs = [5_000, 10_000, 20_000, 40_000, 60_000];

/** One stage at work: rounds of consuming, a pause between two of them. */
export class Worker {
  pause: Pause | undefined;
  pausedSince: Date | undefined;
  lastTakenAt: Date | undefined;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #giveUp = new AbortController();
  #round = new Round(false);
  #streak = { code: "", items: new Set<string>() };
  #driven: Promise<void> = Promise.resolve();

  constructor(
    readonly placed: Placed,
    readonly shop: Shop,
  ) {
    this.#log = shop.log.child({ stage: placed.stage.name });
  }

  get inHand(): number {
    return this.#round.inHand;
  }

  start(): void {
    this.#driven = this.#drive();
  }

  /** Takes no more work and finishes what is in hand; what is not finished when `late` aborts goes back. */
  async stop(late: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.#round.end();
    const end = () => {
      this.#giveUp.abort();
      this.#round.abort("the daemon is stopping");
    };
    late.addEventListener("abort", end, { once: true });
    if (late.aborted) end();
    await this.#driven;
  }

  async #drive(): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; ) {
      const pause = await this.#consume(tries > 0);
      if (pause === undefined) {
        tries = 0;
        continue;
      }
      this.pause = pause;
      this.pausedSince = this.shop.now();
      this.shop.onPause(this.placed.stage.name, pause);
      this.#log.warn(`paused: ${pause.text}`, { code: pause.code });
      await this.#wayBack(pause, tries++);
      if (!this.#stop.signal.aborted) this.#log.info(`${this.placed.stage.name} goes on`);
      this.pause = this.pausedSince = undefined;
    }
  }

  /** One round. After a pause it is a trial: one message at a time, until one went through. */
  async #consume(trial: boolean): Promise<Pause | undefined> {
    const round = new Round(trial);
    this.#round = round;
    const take = (delivery: Delivery) => {
      this.lastTakenAt = this.shop.now();
      const passage = new Passage(this.placed, this.shop, delivery, round, this.#giveUp.signal);
      round.hold(
        passage,
        passage.pass().then((passed) => this.#judge(passed, round)),
      );
    };
    const consumer = await this.#subscribe(trial ? 1 : this.placed.concurrency, take);
    if (consumer === undefined) return undefined;
    if (this.#stop.signal.aborted) round.end();
    const pause = await round.ended;
    if (pause?.reason === "outage") round.abort("its upstream is down");
    await consumer.stop();
    round.hush();
    await round.emptied();
    return pause;
  }

  /** Once the broker is there; undefined when stopped before. Afterwards the consumer comes back by itself. */
  async #subscribe(prefetch: number, take: (delivery: Delivery) => void): Promise<Consumer | undefined> {
    const { queue } = this.placed.stage;
    const signal = this.#stop.signal;
    while (!signal.aborted) {
      try {
        return await this.shop.broker.consume(queue, prefetch, take);
      } catch (error) {
        if (!(error instanceof BrokerDown)) this.#log.error(`${queue} cannot be consumed yet: ${textOf(error)}`);
        await sleep(1_000, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }

  /** An outage ends when the probe is answered; what the probe cannot see ends by one real message at a time. */
  async #wayBack(pause: Pause, tries: number): Promise<void> {
    const upstream = this.shop.upstreams.get(pause.upstream ?? "");
    const signal = this.#stop.signal;
    if (pause.reason === "outage" && upstream?.state === "down") {
      if (!signal.aborted) await Promise.race([upstream.back(), once(signal, "abort")]);
      return;
    }
    const waitMs = tryAgainMs[Math.min(tries, tryAgainMs.length - 1)];
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }

  #judge(passed: Passed, round: Round): void {
    if (passed.outcome === "done") {
      this.#streak.items.clear();
      if (round.trial) round.end();
    }
    if (passed.outcome !== "failed") return;
    const { id, code, text } = passed;
    if (this.#streak.code !== code) this.#streak = { code, items: new Set() };
    this.#streak.items.add(id);
    const { size } = this.#streak.items;
    if (size < streakToPause) return;
    const why = `${size} different messages in a row failed with ${code}, the last: ${text}`;
    round.end({ reason: "streak", upstream: undefined, code, text: why });
  }
}
