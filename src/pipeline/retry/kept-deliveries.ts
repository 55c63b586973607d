import type { Delivery } from "../../broker/broker.ts";

/**
 * Deliveries that a pause interrupted, kept in progress until it is over, because a broker may count each return.
 * RabbitMQ takes a delivery back by itself after 30 minutes, so older ones are given back before.
 */
export class KeptDeliveries {
  readonly #timers = new Map<Delivery, ReturnType<typeof setTimeout>>();

  constructor(
    readonly holdForMs: number,
    readonly giveBack: (delivery: Delivery) => Promise<void>,
  ) {}

  get size(): number {
    this.#forgetRevoked();
    return this.#timers.size;
  }

  add(delivery: Delivery): void {
    const leftMs = this.holdForMs - (performance.now() - delivery.takenAt);
    const expire = () => {
      this.#timers.delete(delivery);
      void this.giveBack(delivery);
    };
    this.#timers.set(delivery, setTimeout(expire, Math.max(0, leftMs)));
  }

  /** Removes and returns the oldest ones. */
  take(count: number): Delivery[] {
    this.#forgetRevoked();
    const taken = [...this.#timers.keys()].sort((a, b) => a.takenAt - b.takenAt).slice(0, count);
    for (const delivery of taken) this.#forget(delivery);
    return taken;
  }

  async giveAllBack(): Promise<void> {
    await Promise.all(this.take(this.#timers.size).map((delivery) => this.giveBack(delivery)));
  }

  #forgetRevoked(): void {
    for (const delivery of this.#timers.keys()) if (!delivery.isOpen) this.#forget(delivery);
  }

  #forget(delivery: Delivery): void {
    clearTimeout(this.#timers.get(delivery));
    this.#timers.delete(delivery);
  }
}
