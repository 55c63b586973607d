import { textOf } from "../errors.ts";

export interface QueueWatchOptions {
  queues: () => Iterable<string>;
  /** Rejects if RabbitMQ refuses, or does not answer in time. */
  ask: (queue: string) => Promise<unknown>;
  /** Answers about queues count only while it is. */
  isUp: () => boolean;
  /** Called when it is noticed that queues are lost, or that all are back. */
  onChange: (text: string, isLost: boolean) => void;
}

/**
 * Which queues cannot be reached although RabbitMQ can, because the node that holds them is gone. n.b. RabbitMQ 3 refuses
 * then, and RabbitMQ 4 never answers, and keeps the channel: of the queues that are known to be lost, one is asked for at
 * a time.
 */
export class QueueWatch {
  /** Queue → why. */
  readonly unreachable = new Map<string, string>();

  constructor(readonly options: QueueWatchOptions) {}

  async look(): Promise<void> {
    const before = new Set(this.unreachable.keys());
    await this.#lookAtAll();
    const lost = [...this.unreachable].filter(([queue]) => !before.has(queue));
    const names = lost.map(([queue]) => queue).join(", ");
    if (lost.length > 0) this.options.onChange(`${names} cannot be reached: ${lost[0]?.[1]}`, true);
    else if (before.size > 0 && this.unreachable.size === 0)
      this.options.onChange("all queues can be reached again", false);
  }

  async #lookAtAll(): Promise<void> {
    const others = [...this.options.queues()].filter((queue) => !this.unreachable.has(queue));
    const [canary] = this.unreachable.keys();
    if (canary !== undefined && (await this.#isThere(canary))) others.push(...this.unreachable.keys());
    await Promise.all(others.map((queue) => this.#isThere(queue)));
  }

  async #isThere(queue: string): Promise<boolean> {
    try {
      await this.options.ask(queue);
      this.unreachable.delete(queue);
      return true;
    } catch (error) {
      // Deleted first, so that another one is the next canary.
      this.unreachable.delete(queue);
      if (this.options.isUp()) this.unreachable.set(queue, textOf(error));
      return false;
    }
  }
}
