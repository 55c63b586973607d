import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, BrokerDown, type Delivery } from "../../broker/broker.ts";
import { textOf } from "../../errors.ts";
import { untilTick } from "../../util/turns/ticks.ts";
import { decodeHeaders, encodeHeaders } from "../envelope.ts";
import { giveBack, maxReturns } from "./give-back.ts";
import type { Delay } from "./policy.ts";
import { retryQueueOf } from "./queues.ts";

/** How soon a retry queue is looked at into which this daemon published: its message is not due before. */
const lookAgainMs = (delayMs: number) => Math.min(delayMs, Math.max(5_000, Math.min(delayMs / 3, 60_000)));
/**
 * How soon an empty one otherwise. Only what another daemon gives back may be due before, and is late by this time at
 * most: half a minute, or a third of a longer delay up to a minute.
 */
const calmMs = (delayMs: number) => Math.max(30_000, lookAgainMs(delayMs));
/** A depth may be half a second old. */
const depthAgeMs = 1_000;
/** How soon the head is looked at again that is not due yet: clocks jump. */
const clockMs = 5_000;

export interface PromoterOptions {
  readonly broker: Broker;
  readonly queue: string;
  readonly delay: Delay;
  readonly holdForMs: number;
  readonly now: () => Date;
  readonly say: (text: string) => void;
}

/**
 * Moves due messages from a retry queue to its main queue, confirmed before they are acknowledged. The queue is sorted by
 * due time, so only its head is taken, and kept in progress until it is due: a broker counts returned messages. A due
 * time further off than the delay is due now: clocks jump.
 */
export class Promoter {
  readonly retryQueue: string;
  #head: Delivery | undefined;
  /** How long a message of ours may wait in the queue unseen (performance.now()). */
  #expectedUntil = -Infinity;
  /** Ends the wait. */
  #wake = new AbortController();

  constructor(readonly options: PromoterOptions) {
    this.retryQueue = retryQueueOf(options.queue, options.delay);
  }

  /** Messages of the retry queue that are kept in progress here. */
  get inFlight(): number {
    return Number(this.#head?.isOpen ?? false);
  }

  /** To be told of what this daemon publishes to the retry queue. */
  expect(): void {
    const isExpected = this.#isExpected;
    this.#expectedUntil = performance.now() + 2 * lookAgainMs(this.options.delay.ms) + depthAgeMs;
    if (!isExpected) this.#wake.abort();
  }

  get #isExpected(): boolean {
    return performance.now() < this.#expectedUntil;
  }

  /** Runs until aborted. Waits for a broker that is away; others report that. */
  async run(signal: AbortSignal): Promise<void> {
    const { broker, queue, say } = this.options;
    for (let lastText = ""; !signal.aborted; ) {
      let nextMs = 1_000;
      try {
        nextMs = await this.promoteDue(signal);
        lastText = "";
      } catch (error) {
        const text = `${this.retryQueue} cannot be emptied: ${textOf(error)}`;
        if (!signal.aborted && !(error instanceof BrokerDown) && text !== lastText) say(text);
        lastText = text;
        // One of the queues may have been deleted.
        if (!signal.aborted) await broker.declare([queue, this.retryQueue]).catch(() => {});
      }
      const mostMs = (this.#isExpected ? lookAgainMs : calmMs)(this.options.delay.ms);
      this.#wake = new AbortController();
      const ended = AbortSignal.any([signal, this.#wake.signal]);
      await sleep(untilTick(Math.min(nextMs, mostMs)), undefined, { signal: ended }).catch(() => {});
    }
    await this.#giveHeadBack(signal);
  }

  /** Returns how long to wait until there may be more to move: for ever if nothing is there. */
  async promoteDue(signal: AbortSignal): Promise<number> {
    const { broker, queue, delay, now, holdForMs } = this.options;
    for (;;) {
      if (!this.#head?.isOpen) this.#head = await this.#takeHead(signal);
      const head = this.#head;
      if (head === undefined) return Infinity;
      const envelope = decodeHeaders(head, undefined, now());
      const dueInMs = (envelope.dueAt?.getTime() ?? 0) - now().getTime();
      if (dueInMs > 0 && dueInMs <= delay.ms) {
        const leftMs = holdForMs - (performance.now() - head.takenAt);
        if (leftMs > 0 && head.returns < maxReturns) return Math.min(dueInMs, leftMs, clockMs);
        await this.#giveHeadBack(signal);
        continue;
      }
      const headers = encodeHeaders({ ...envelope, dueAt: undefined });
      await broker.publish(queue, [{ body: head.body, headers }], signal);
      head.ack();
    }
  }

  /** Depths are asked for at the same moment by others too, and shared. */
  async #takeHead(signal: AbortSignal): Promise<Delivery | undefined> {
    const { broker } = this.options;
    const depths = await broker.depths([this.retryQueue], signal);
    return depths.get(this.retryQueue)?.ready === 0 ? undefined : broker.take(this.retryQueue, signal);
  }

  async #giveHeadBack(stop: AbortSignal): Promise<void> {
    const head = this.#head;
    this.#head = undefined;
    if (head === undefined) return;
    const headers = encodeHeaders(decodeHeaders(head, undefined, this.options.now()));
    await giveBack(this.options.broker, head, headers, { stop, say: this.options.say });
  }
}
