import type { Delivery } from "../broker.ts";

export type Taker = { readonly prefetch: number; readonly take: (delivery: Delivery) => void; inFlight: number };

/** The state of a queue in memory. */
export class Queue {
  /** In progress, or acknowledged and not yet deleted. */
  readonly taken = new Set<number>();
  readonly takers = new Set<Taker>();
  /** No message before it is free. */
  next = 0;

  constructor(
    readonly name: string,
    public handedOut: number,
    /** In the file, including the taken ones. */
    public stored: number,
  ) {}

  free(id: number): void {
    this.taken.delete(id);
    this.next = Math.min(this.next, id);
  }
}
