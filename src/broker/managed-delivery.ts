import type { BrokerState, Delivery } from "./broker.ts";

/** Shared by both transports: the state, and the listeners to its changes. */
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
  protected setState(state: BrokerState, trouble?: string): void {
    if (this.#state === "closed") return;
    this.#trouble = trouble;
    if (this.#state === state) return;
    if (this.#wasUp && this.#state === "connecting") this.#backAt = performance.now();
    this.#wasUp ||= state === "up";
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

/** amqplib requires a Buffer; nothing is copied. */
export const bufferOf = (body: string | Uint8Array) =>
  typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);

/** A delivery that ends once: settled by its holder, or revoked. */
export class ManagedDelivery implements Delivery {
  #open = true;
  #revoked: AbortController | undefined;
  readonly takenAt = performance.now();

  constructor(
    readonly queue: string,
    readonly body: Uint8Array,
    readonly headers: Readonly<Record<string, unknown>>,
    readonly redelivered: boolean,
    private readonly settle: (how: "ack" | "requeue") => unknown,
    /** Revokes many deliveries together; otherwise `revoke` is called. */
    private readonly allRevoked?: AbortSignal,
  ) {}

  get returns(): number {
    return Number(this.headers["x-delivery-count"] ?? 0) || 0;
  }

  get revoked(): AbortSignal {
    if (this.allRevoked) return this.allRevoked;
    this.#revoked ??= new AbortController();
    return this.#revoked.signal;
  }

  get isOpen(): boolean {
    return this.#open && !this.allRevoked?.aborted;
  }

  revoke(): void {
    this.#open = false;
    this.#revoked ??= new AbortController();
    this.#revoked.abort();
  }

  ack(): void {
    if (this.#open) this.settle("ack");
    this.#open = false;
  }

  requeue(): void {
    if (this.#open) this.settle("requeue");
    this.#open = false;
  }
}
