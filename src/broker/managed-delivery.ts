import type { BrokerState, Delivery } from "./broker.ts";

/** What both transports share: the word for how it is, and who is told when it changes. */
export abstract class StatefulBroker {
  #state: BrokerState = "connecting";
  #trouble: string | undefined;
  #wasUp = false;
  #backAt = Number.NEGATIVE_INFINITY;
  readonly #listeners = new Set<(state: BrokerState) => void>();

  get state(): BrokerState {
    return this.#state;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  get backAt(): number {
    return this.#backAt;
  }

  onState(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `closed` is final. */
  protected turn(state: BrokerState, trouble?: string): void {
    if (this.#state === "closed") return;
    this.#trouble = trouble;
    if (this.#state === state) return;
    if (this.#wasUp && this.#state === "connecting") this.#backAt = performance.now();
    this.#wasUp ||= state === "up";
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

/** RabbitMQ's driver insists on a Buffer; nothing is copied. */
export const bufferOf = (body: string | Uint8Array) =>
  typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** A delivery that ends once: settled by its holder, or lost. */
export class InHand implements Delivery {
  #open = true;
  #lost: AbortController | undefined;

  constructor(
    readonly queue: string,
    readonly body: Uint8Array,
    readonly headers: Readonly<Record<string, unknown>>,
    readonly redelivered: boolean,
    private readonly settle: (how: "ack" | "putBack") => unknown,
    /** Where many are lost together; otherwise `lose` does it. */
    private readonly allLost?: AbortSignal,
  ) {}

  get lost(): AbortSignal {
    if (this.allLost) return this.allLost;
    this.#lost ??= new AbortController();
    return this.#lost.signal;
  }

  lose(): void {
    this.#open = false;
    this.#lost ??= new AbortController();
    this.#lost.abort();
  }

  ack(): void {
    if (this.#open) this.settle("ack");
    this.#open = false;
  }

  putBack(): void {
    if (this.#open) this.settle("putBack");
    this.#open = false;
  }
}
