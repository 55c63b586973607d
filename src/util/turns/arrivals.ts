/** Whoever waits beyond these counts as new at the next stage. */
const maxWaiting = 10_000;

/**
 * When the first message of each record was taken, while further ones of it wait in the queues between the stages. Whoever
 * came first goes first at each stage: else those who only begin would keep those who are almost through.
 */
export class Arrivals {
  readonly #at = new Map<string, number>();

  /** `takenAt` where it is the first one. */
  of(id: string, takenAt: number): number {
    const at = this.#at.get(id) ?? takenAt;
    this.#at.set(id, at);
    const [oldest] = this.#at.keys();
    if (this.#at.size > maxWaiting && oldest !== undefined) this.#at.delete(oldest);
    return at;
  }

  /** No further stage follows. */
  forget(id: string): void {
    this.#at.delete(id);
  }
}
