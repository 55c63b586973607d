import querystring from "node:querystring";
import { setTimeout as sleep } from "node:timers/promises";
import amqp, { type RecoveringChannelModel } from "amqplib";
import { textOf } from "../errors.ts";
import { AmqpConnection, isMissing } from "./amqp-connection.ts";
import { AmqpConsumer } from "./amqp-consumer.ts";
import { type Broker, BrokerDown, type Consumer, type Delivery, type Depth, type Outgoing } from "./broker.ts";
import { bufferOf, ManagedDelivery } from "./managed-delivery.ts";

export interface AmqpOptions {
  /** amqp:// or amqps://, with user, password and virtual host. */
  url: string;
  /** How long RabbitMQ may take to let us in, and to answer anything but a publish (10 s). */
  deadlineMs?: number;
  /** How long RabbitMQ may take to write down that a queue is there (1 s). */
  newQueueMs?: number;
}

/** Does not wait for the connection: the broker begins as "connecting", and `trouble` says why it stays so. */
export async function openAmqp({ url, deadlineMs = 10_000, newQueueMs = 1_000 }: AmqpOptions): Promise<AmqpBroker> {
  // The parser's own error would quote the password.
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address?.hostname || !/^amqps?:$/.test(address.protocol))
    throw new Error("broker.url is not amqp://USER:PASSWORD@HOST:PORT/VHOST, or the same with amqps://");
  if (!address.searchParams.has("heartbeat")) address.searchParams.set("heartbeat", "30");
  const [user, password] = address.username ? [address.username, address.password] : ["guest", "guest"];
  const connection = await amqp.connect(address.href, {
    // Left to itself, amqplib takes the bytes of an encoded password for Latin-1.
    credentials: amqp.credentials.plain(querystring.unescape(user), querystring.unescape(password)),
    noDelay: true,
    timeout: deadlineMs,
    recovery: { initialDelay: 100, maxDelay: 2_000, waitForConnect: false },
  });
  return new AmqpBroker(connection, address, { deadlineMs, newQueueMs });
}

export class AmqpBroker extends AmqpConnection implements Broker {
  readonly label = "RabbitMQ";
  readonly #declared = new Set<string>();
  #published = 0;
  readonly #newQueueMs: number;

  constructor(
    connection: RecoveringChannelModel,
    address: URL,
    { deadlineMs, newQueueMs }: Required<Omit<AmqpOptions, "url">>,
  ) {
    super(connection, address, deadlineMs);
    this.#newQueueMs = newQueueMs;
  }

  async declare(queues: readonly string[]): Promise<void> {
    let made = false;
    for (const queue of queues) {
      if ((await this.depth(queue)) === undefined) {
        await this.rpc((channel) => channel.assertQueue(queue, { durable: true }));
        made = true;
      }
      this.#declared.add(queue);
    }
    // n.b. It says so before it has written it down: killed 18 ms later, or 300 on a busy machine, RabbitMQ 3.10 came
    // back without the queue and the confirmed messages in it.
    if (made) await sleep(this.#newQueueMs);
  }

  protected restore(): Promise<void> {
    return this.declare([...this.#declared]);
  }

  async depth(queue: string): Promise<Depth | undefined> {
    try {
      const { messageCount, consumerCount } = await this.rpc((channel) => channel.checkQueue(queue));
      return { ready: messageCount, consumers: consumerCount };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  publish(queue: string, messages: readonly Outgoing[]): Promise<void> {
    const channel = this.publisher;
    if (channel === undefined) return Promise.reject(this.down());
    if (messages.length === 0) return Promise.resolve();
    this.corkWrites();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let waiting = messages.length;
    let failure: unknown;
    const settle = (error: unknown) => {
      failure ??= error;
      waiting -= 1;
      if (waiting > 0) return;
      if (failure === undefined) resolve();
      else reject(failure);
    };
    for (const { body, headers } of messages) {
      const messageId = String(this.#published++);
      const options = {
        persistent: true,
        mandatory: true,
        contentType: "application/json",
        headers,
        messageId,
      };
      try {
        channel.sendToQueue(queue, bufferOf(body), options, (error: unknown) => {
          if (error) settle(new BrokerDown(`RabbitMQ did not confirm a message to ${queue}: ${textOf(error)}`));
          // n.b. RabbitMQ also confirms what it could not route, after it sent it back.
          else settle(this.returned.delete(messageId) ? missing(queue) : undefined);
        });
      } catch (error) {
        settle(error instanceof amqp.IllegalOperationError ? this.down() : error);
      }
    }
    return promise;
  }

  async consume(queue: string, prefetch: number, take: (delivery: Delivery) => void): Promise<Consumer> {
    const consumer = new AmqpConsumer(this, queue, prefetch, take);
    await consumer.start().catch((error: unknown) => {
      throw isMissing(error) ? missing(queue) : error;
    });
    return consumer;
  }

  async *browse(queue: string): AsyncGenerator<Delivery> {
    const channel = await this.open();
    const gone = new AbortController();
    channel.once("close", () => gone.abort(new BrokerDown(`RabbitMQ closed the channel to ${queue}`)));
    try {
      // No further than it reaches now: the caller may be publishing to the same queue.
      for (let left = Number.POSITIVE_INFINITY; left > 0; left--) {
        const message = await this.withDeadline(channel.get(queue));
        if (message === false) return;
        const { content, properties, fields } = message;
        left = Math.min(left, fields.messageCount + 1);
        // What is put back stays ours until the channel closes, or the next get would find it again.
        const settle = (how: string) => how === "ack" && !gone.signal.aborted && channel.ack(message);
        yield new ManagedDelivery(queue, content, properties.headers ?? {}, fields.redelivered, settle, gone.signal);
      }
    } catch (error) {
      throw isMissing(error) ? missing(queue) : error;
    } finally {
      await this.withDeadline(channel.close()).catch(() => {});
    }
  }
}

const missing = (queue: string) => new Error(`RabbitMQ has no queue ${queue}: declare it first`);
