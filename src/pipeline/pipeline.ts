import type { Placed } from "./registry.ts";
import type { Pause } from "./round.ts";
import type { Shop } from "./shop.ts";
import { deadQueueOf, keepSweeping, waitQueueOf } from "./waiting.ts";
import { Worker } from "./worker.ts";

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
    return this.#placed.flatMap(({ stage: { queue } }) => [
      queue,
      ...this.#shop.delays.map((delay) => waitQueueOf(queue, delay)),
      deadQueueOf(queue),
    ]);
  }

  /** The stages after which an employee is through. */
  get leaves(): string[] {
    const consumed = this.#placed.filter((one) => one.consumed);
    return consumed.filter((one) => !one.successors.some((next) => next.consumed)).map(({ stage }) => stage.name);
  }

  worker(stage: string): Worker | undefined {
    return this.workers.find(({ placed }) => placed.stage.name === stage);
  }

  onPause(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The broker must be up and the queues declared. */
  start(): void {
    const { broker, log, delays, now } = this.#shop;
    for (const worker of this.workers) worker.start();
    const options = { signal: this.#sweepers.signal, now, say: (text: string) => log.warn(text) };
    this.#sweeping = this.workers.flatMap(({ placed }) =>
      delays.map((delay) => keepSweeping(broker, placed.stage.queue, delay, options)),
    );
  }

  /** Takes no more work, finishes what is in hand until `giveUp`; the rest is delivered again later. */
  async stop(giveUp: AbortSignal): Promise<void> {
    this.#sweepers.abort();
    await Promise.all([...this.workers.map((worker) => worker.stop(giveUp)), ...this.#sweeping]);
  }
}
