import type { Channel, ConsumeMessage } from "amqplib";
import { textOf } from "../errors.ts";
import { backoff } from "../util/backoff.ts";
import type { AmqpConnection } from "./amqp-connection.ts";
import { type Broker, BrokerDown, type ConsumeOptions, type Consumer, type Delivery } from "./broker.ts";
import { ManagedDelivery } from "./managed-delivery.ts";

/** To a consumer that has had no delivery for so long comes no more. */
const quietMs = 250;

/** By a consumer that is stopped once it has them: none of them is settled by then, so no more than `count` come. */
export async function takeTogether(broker: Pick<Broker, "consume">, queue: string, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  const over = Promise.withResolvers<void>();
  let quiet: ReturnType<typeof setTimeout> | undefined;
  const take = (delivery: Delivery) => {
    if (taken.push(delivery) >= count) over.resolve();
    quiet?.refresh();
  };
  const consumer = await broker.consume(queue, { prefetch: count, take });
  quiet = setTimeout(over.resolve, quietMs);
  await over.promise;
  clearTimeout(quiet);
  await consumer.stop();
  return taken.filter(({ revoked }) => !revoked.aborted);
}

interface Session {
  readonly channel: Channel;
  readonly inFlight: Set<ManagedDelivery>;
  /** No new deliveries come; the channel stays open for those in progress. */
  draining: boolean;
}

/** A consumer on its own channel. When the channel ends, it opens another one, until it is stopped. */
export class AmqpConsumer implements Consumer {
  readonly #stop = new AbortController();
  #session: Session | undefined;
  #tag = "";

  constructor(
    private readonly broker: AmqpConnection & Broker,
    private readonly queue: string,
    private readonly options: ConsumeOptions,
    private readonly onChannel: (channel: Channel) => void,
  ) {}

  /** The first attempt must succeed; otherwise it rejects and leaves nothing behind. */
  async start(): Promise<void> {
    const channel = await this.broker.open();
    this.onChannel(channel);
    const session: Session = { channel, inFlight: new Set(), draining: false };
    let closed = false;
    channel.once("close", () => {
      closed = true;
      for (const delivery of session.inFlight) delivery.revoke();
      if (this.#session === session) void this.#comeBack();
    });
    try {
      await this.broker.withDeadline(channel.prefetch(this.options.prefetch));
      // n.b. deliveries may come before the promise resolves.
      const consuming = channel.consume(this.queue, (message) => this.#receive(session, message));
      this.#tag = (await this.broker.withDeadline(consuming)).consumerTag;
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
    await this.broker.withDeadline(session.channel.cancel(this.#tag)).catch(() => {});
    this.#drain(session);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #comeBack(): Promise<void> {
    this.#session = undefined;
    const { signal } = this.#stop;
    for await (const _ of backoff({ firstMs: 50, maxMs: 1_000, signal, ref: false })) {
      if (this.broker.state === "closed") return;
      try {
        await this.broker.declare([this.queue]);
        await this.start();
        return this.options.onTrouble?.(undefined);
      } catch (error) {
        // A broker that is away is reported elsewhere; a refusal would be repeated silently.
        if (!(error instanceof BrokerDown))
          this.options.onTrouble?.(`${this.queue} cannot be consumed: ${textOf(error)}`);
      }
    }
  }

  #receive(session: Session, message: ConsumeMessage | null): void {
    const { channel, inFlight } = session;
    // RabbitMQ cancelled the consumer, e.g. because the queue was deleted. Deliveries in progress stay valid.
    if (message === null) {
      this.#drain(session);
      return;
    }
    const { content, properties, fields } = message;
    const delivery = new ManagedDelivery(this.queue, content, properties.headers ?? {}, fields.redelivered, (how) => {
      inFlight.delete(delivery);
      this.broker.corkWrites();
      try {
        if (how === "ack") channel.ack(message);
        else channel.nack(message, false, true);
      } catch {
        // The channel is closing: it will be delivered again.
      }
      if (session.draining) this.#drain(session);
    });
    inFlight.add(delivery);
    // n.b. Also what comes before a stop is answered: RabbitMQ would count it if it were put back.
    this.options.take(delivery);
  }

  #drain(session: Session): void {
    session.draining = true;
    if (session.inFlight.size === 0) session.channel.close().catch(() => {});
  }
}
