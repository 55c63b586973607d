import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ConsumeMessage } from "amqplib";
import type { AmqpLink } from "./amqp-connection.ts";
import type { Broker, Consumer, Delivery } from "./broker.ts";
import { InHand } from "./managed-delivery.ts";

interface Session {
  readonly channel: Channel;
  readonly inHand: Set<InHand>;
  /** Nothing new comes; the channel stays for what is in hand. */
  draining: boolean;
}

/** A consumer on a channel of its own; whenever that channel ends it takes another one, until it is stopped. */
export class AmqpConsumer implements Consumer {
  readonly #stop = new AbortController();
  #session: Session | undefined;
  #tag = "";

  constructor(
    private readonly broker: AmqpLink & Broker,
    private readonly queue: string,
    private readonly prefetch: number,
    private readonly take: (delivery: Delivery) => void,
  ) {}

  /** Must work the first time: it rejects otherwise, and leaves nothing behind. */
  async start(): Promise<void> {
    const channel = await this.broker.open();
    const session: Session = { channel, inHand: new Set(), draining: false };
    let closed = false;
    channel.once("close", () => {
      closed = true;
      for (const delivery of session.inHand) delivery.lose();
      if (this.#session === session) void this.#comeBack();
    });
    try {
      await this.broker.within(channel.prefetch(this.prefetch));
      // n.b. deliveries may come before the promise resolves.
      const consuming = channel.consume(this.queue, (message) => this.#receive(session, message));
      this.#tag = (await this.broker.within(consuming)).consumerTag;
      if (closed || this.#stop.signal.aborted) throw new Error(`the channel of ${this.queue} closed`);
      this.#session = session;
    } catch (error) {
      channel.close().catch(() => {});
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    const session = this.#session;
    if (session === undefined) return;
    await this.broker.within(session.channel.cancel(this.#tag)).catch(() => {});
    this.#drain(session);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #comeBack(): Promise<void> {
    this.#session = undefined;
    const { signal } = this.#stop;
    for (let waitMs = 50; !signal.aborted && this.broker.state !== "closed"; waitMs = Math.min(2 * waitMs, 1_000)) {
      try {
        await this.broker.declare([this.queue]);
        return await this.start();
      } catch {
        await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }

  #receive(session: Session, message: ConsumeMessage | null): void {
    const { channel, inHand } = session;
    // RabbitMQ cancelled us, e.g. the queue was deleted. What is in hand stays valid: nobody would get it again.
    if (message === null) {
      this.#drain(session);
      return;
    }
    const { content, properties, fields } = message;
    const delivery = new InHand(this.queue, content, properties.headers ?? {}, fields.redelivered, (how) => {
      inHand.delete(delivery);
      this.broker.gather();
      try {
        if (how === "ack") channel.ack(message);
        else channel.nack(message, false, true);
      } catch {
        // The channel is closing: it will be delivered again.
      }
      if (session.draining) this.#drain(session);
    });
    inHand.add(delivery);
    if (this.#stop.signal.aborted) delivery.putBack();
    else this.take(delivery);
  }

  #drain(session: Session): void {
    session.draining = true;
    if (session.inHand.size === 0) session.channel.close().catch(() => {});
  }
}
