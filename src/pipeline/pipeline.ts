import { leavesOf, type Placed } from "../registry/registry.ts";
import type { Pause } from "./consume-session.ts";
import type { Delay } from "./retry/policy.ts";
import { deadQueueOf, delayOf, keepSweeping, waitQueueOf } from "./retry/queues.ts";
import type { Shop } from "./stage-context.ts";
import { Worker } from "./stage-worker.ts";

type Listener = (stage: string, pause: Pause) => void;

/** All the stages at work, and the wait queues between two attempts. */
export class Pipeline {
  readonly workers: readonly Worker[];
  readonly #placed: readonly Placed[];
  readonly #shop: Shop;
  readonly #sweepers = new AbortController();
  readonly #listeners = new Set<Listener>();
  #sweeping: Promise<void>[] = [];

  constructor(placed: readonly Placed[], shop: Omit<Shop, "onPause">) {
    this.#placed = placed;
    this.#shop = {
      ...shop,
      onPause: (stage, pause) => {
        for (const listener of this.#listeners) listener(stage, pause);
      },
    };
    this.workers = placed.filter(({ consumed }) => consumed).map((one) => new Worker(one, this.#shop));
  }

  /** Every queue that is published to or consumed, with its wait queues and the one for the dead. */
  get queues(): string[] {
    const own = this.#placed.flatMap(({ stage: { queue } }) => [queue, deadQueueOf(queue)]);
    return [...own, ...this.#waits];
  }

  /** Those and the ones of former stages. */
  get known(): string[] {
    return [...new Set([...this.queues, ...this.#shop.remembered.names])];
  }

  /** The queues that are emptied here. */
  get consumed(): Set<string> {
    return new Set([...this.workers.map(({ placed }) => placed.stage.queue), ...this.#waits]);
  }

  /** The stages after which an employee is through. */
  get leaves(): string[] {
    return leavesOf(this.#placed);
  }

  worker(stage: string): Worker | undefined {
    return this.workers.find(({ placed }) => placed.stage.name === stage);
  }

  onPause(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async declare(): Promise<void> {
    this.#shop.remembered.remember(this.queues);
    await this.#shop.broker.declare(this.queues);
  }

  /** The broker must be up and the queues declared. */
  start(): void {
    const { broker, log, now } = this.#shop;
    for (const worker of this.workers) worker.start();
    const options = { signal: this.#sweepers.signal, now, say: (text: string) => log.warn(text) };
    this.#sweeping = this.#placed.flatMap(({ stage: { queue } }) =>
      this.#delaysOf(queue).map((delay) => keepSweeping(broker, queue, delay, options)),
    );
  }

  /** Takes no more work, finishes what is in hand until `giveUp`; the rest is delivered again later. */
  async stop(giveUp: AbortSignal): Promise<void> {
    this.#sweepers.abort();
    await Promise.all([...this.workers.map((worker) => worker.stop(giveUp)), ...this.#sweeping]);
  }

  get #waits(): string[] {
    return this.#placed.flatMap(({ stage: { queue } }) =>
      this.#delaysOf(queue).map((delay) => waitQueueOf(queue, delay)),
    );
  }

  /** The rungs of the ladder, and of former ones. */
  #delaysOf(queue: string): Delay[] {
    const former = this.#shop.remembered.names.flatMap((name) => delayOf(queue, name) ?? []);
    return [...new Map([...this.#shop.delays, ...former].map((delay) => [delay.label, delay])).values()];
  }
}
