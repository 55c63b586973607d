import { setTimeout as sleep } from "node:timers/promises";
import amqp, { type Channel, type RecoveringChannelModel } from "amqplib";
import { textOf } from "../errors.ts";
import { untilAborted } from "../util/abort.ts";
import { AmqpConnection, answerMs, isMissing, isUnreachable } from "./amqp-connection.ts";
import { AmqpConsumer, takeTogether } from "./amqp-consumer.ts";
import { AmqpNodes } from "./amqp-nodes.ts";
import {
  type Broker,
  BrokerDown,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Depth,
  type Outgoing,
} from "./broker.ts";
import { QueueWatch } from "./known-queues.ts";
import { MajorityProbe } from "./majority.ts";
import { bufferOf, ManagedDelivery } from "./managed-delivery.ts";

export interface AmqpOptions {
  /** amqp:// or amqps://, with user, password and virtual host; several nodes of a cluster are tried in turn. */
  url: string | readonly string[];
  /** PEM, for amqps:// trusted instead of the built-in list. */
  ca?: string | undefined;
  /** Of queues that are missing; what exists is used as it is (classic, without arguments). */
  queueType?: "classic" | "quorum";
  /** How long RabbitMQ may take to accept the login, and to answer anything but a publish (10 s). */
  deadlineMs?: number;
  /** How long RabbitMQ may take to store a new queue durably (1 s, or 3 s of a quorum queue). */
  newQueueMs?: number;
  /** How old a shared answer of `depths` may be (0.5 s). */
  depthAgeMs?: number;
  /** Called when queues are lost because their node is gone, and when all of them are back. */
  onReach?: (text: string, isLost: boolean) => void;
}

/** Does not wait for the connection: the broker begins as "connecting", and `trouble` says why it stays so. */
export async function openAmqp(options: AmqpOptions): Promise<AmqpBroker> {
  const { url, ca, queueType = "classic", deadlineMs = 10_000, depthAgeMs = 500, onReach = () => {} } = options;
  const { newQueueMs = queueType === "quorum" ? 3_000 : 1_000 } = options;
  const nodes = new AmqpNodes([url].flat());
  const socket = {
    noDelay: true,
    // With another node to try, sooner: work must go on within 15 s of the death of one.
    timeout: nodes.size > 1 ? deadlineMs / 2 : deadlineMs,
    // n.b. Without it NODE_TLS_REJECT_UNAUTHORIZED in the environment would decide.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  };
  const recovery = { initialDelay: 100, maxDelay: 2_000, waitForConnect: false } as const;
  const connection = await amqp.connect(nodes.target, { ...socket, recovery });
  const majority = new MajorityProbe(nodes.target, socket);
  return new AmqpBroker(connection, nodes, { queueType, deadlineMs, newQueueMs, depthAgeMs, onReach, majority });
}

interface Parts extends Required<Omit<AmqpOptions, "url" | "ca">> {
  majority: MajorityProbe;
}

interface SharedDepth {
  askedAt: number;
  answer: Promise<Depth | undefined>;
}

/** A channel kept open for one queue's heads, and what ends with it. */
interface Heads {
  channel: Channel;
  closed: AbortController;
}

export class AmqpBroker extends AmqpConnection implements Broker {
  readonly label = "RabbitMQ";
  readonly #declared = new Set<string>();
  readonly #watch: QueueWatch;
  readonly #majority: MajorityProbe;
  readonly #depths = new Map<string, SharedDepth>();
  readonly #heads = new Map<string, Promise<Heads>>();
  /** Channels of own consumers, by queue. */
  readonly #consuming = new Map<string, number>();
  #published = 0;
  readonly #newQueueArguments: { "x-queue-type"?: string };
  readonly #newQueueMs: number;
  readonly #depthAgeMs: number;

  constructor(
    connection: RecoveringChannelModel,
    nodes: AmqpNodes,
    { queueType, deadlineMs, newQueueMs, depthAgeMs, onReach, majority }: Parts,
  ) {
    super(connection, nodes, deadlineMs);
    this.#newQueueArguments = queueType === "quorum" ? { "x-queue-type": "quorum" } : {};
    this.#watch = new QueueWatch({
      queues: () => this.#declared,
      ask: (queue, isThorough) => this.reach(queue, isThorough),
      isConnected: () => this.isConnected,
      onChange: onReach,
    });
    this.#majority = majority;
    this.#newQueueMs = newQueueMs;
    this.#depthAgeMs = depthAgeMs;
  }

  get unreachable(): ReadonlyMap<string, string> {
    return this.#watch.unreachable;
  }

  protected async reachesAll(): Promise<boolean> {
    await this.#watch.look(true);
    return this.unreachable.size === 0;
  }

  /** Rejects if the queue cannot be reached; where it is asked thoroughly and is empty, also if it has no majority. */
  async reach(queue: string, isThorough: boolean): Promise<void> {
    const depth = await this.#sharedDepth(queue).catch(mustBeReachable);
    // n.b. A get from a queue that holds messages would take one.
    if (!isThorough || depth?.ready !== 0) return;
    const answer = await this.#majority.ask(queue);
    if (answer === "silent" || (answer === "unknown" && this.unreachable.has(queue)))
      throw new BrokerDown("most of the nodes that hold it do not answer");
  }

  /** n.b. RabbitMQ 4 keeps the channel of a question about a queue whose node is gone for 70 s. */
  #mustReach(queue: string): void {
    const why = this.unreachable.get(queue);
    if (why !== undefined) throw new BrokerDown(`${queue} cannot be reached: ${why}`);
  }

  async declare(queues: readonly string[]): Promise<void> {
    const made = await Promise.allSettled([...new Set(queues)].map((queue) => this.#declareOne(queue)));
    // n.b. RabbitMQ confirms a new queue before it is stored: killed 18 ms later, or 300 ms on a busy machine, RabbitMQ
    // 3.10 came back without the queue and the confirmed messages in it. A quorum queue came back without a leader.
    if (made.some((one) => one.status === "fulfilled" && one.value)) await sleep(this.#newQueueMs);
    const failed = made.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** True if the queue had to be declared. */
  async #declareOne(queue: string): Promise<boolean> {
    // Also where it fails: the watch then sees when it can be reached again.
    this.#declared.add(queue);
    this.#mustReach(queue);
    const isMade = (await this.#ask(queue)) === undefined;
    const options = { durable: true, arguments: this.#newQueueArguments };
    if (isMade) await this.rpc((channel) => channel.assertQueue(queue, options));
    return isMade;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#majority.close();
    await super[Symbol.asyncDispose]();
  }

  protected async restore(): Promise<void> {
    // It may be another node now.
    this.#majority.close();
    this.#depths.clear();
    this.#watch.forget();
    // n.b. While a new leader is elected a majority may be silent for seconds.
    await this.#watch.look(false);
    await this.declare([...this.#declared].filter((queue) => !this.unreachable.has(queue)));
  }

  async depths(queues: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, Depth>> {
    const asked = queues
      .filter((queue) => !this.unreachable.has(queue))
      .map(async (queue) => [queue, await this.#sharedDepth(queue)] as const);
    const answers = await untilAborted(Promise.all(asked), signal);
    return new Map(answers.flatMap(([queue, depth]) => (depth ? [[queue, depth] as const] : [])));
  }

  #sharedDepth(queue: string): Promise<Depth | undefined> {
    const known = this.#depths.get(queue);
    if (known && performance.now() - known.askedAt <= this.#depthAgeMs) return known.answer;
    const fresh: SharedDepth = { askedAt: Number.POSITIVE_INFINITY, answer: this.#ask(queue) };
    this.#depths.set(queue, fresh);
    // Concurrent callers share one request; its age counts from the answer.
    fresh.answer.then(
      () => {
        fresh.askedAt = performance.now();
      },
      () => {
        if (this.#depths.get(queue) === fresh) this.#depths.delete(queue);
      },
    );
    return fresh.answer;
  }

  async #ask(queue: string): Promise<Depth | undefined> {
    const own = () => this.#consuming.get(queue) ?? 0;
    const before = own();
    try {
      const { messageCount, consumerCount } = await this.rpc((channel) => channel.checkQueue(queue), answerMs);
      this.#watch.answered(queue);
      const isShared = consumerCount > Math.max(before, own());
      return { ready: messageCount, consumers: consumerCount, isShared };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  publish(queue: string, messages: readonly Outgoing[], signal?: AbortSignal): Promise<void> {
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
      const options = { persistent: true, mandatory: true, contentType: "application/json", headers, messageId };
      try {
        channel.sendToQueue(queue, bufferOf(body), options, (error: unknown) => {
          if (error) settle(new BrokerDown(`RabbitMQ did not confirm a message to ${queue}: ${textOf(error)}`));
          // n.b. RabbitMQ also confirms an unroutable message, after it returned it.
          else settle(this.returned.delete(messageId) ? missing(queue) : undefined);
        });
      } catch (error) {
        settle(error instanceof amqp.IllegalOperationError ? this.down() : error);
      }
    }
    return untilAborted(promise, signal);
  }

  async consume(queue: string, options: ConsumeOptions): Promise<Consumer> {
    this.#mustReach(queue);
    const consumer = new AmqpConsumer(this, queue, options, (channel) => this.#count(queue, channel));
    await consumer.start().catch((error: unknown) => {
      throw isMissing(error) ? missing(queue) : error;
    });
    return consumer;
  }

  /** n.b. A quorum queue also counts a cancelled consumer, until the last of its messages is settled. */
  #count(queue: string, channel: Channel): void {
    const add = (more: number) => this.#consuming.set(queue, (this.#consuming.get(queue) ?? 0) + more);
    add(1);
    channel.once("close", () => add(-1));
  }

  async take(queue: string, signal?: AbortSignal): Promise<Delivery | undefined> {
    this.#mustReach(queue);
    const { channel, closed } = await untilAborted(this.#headsOf(queue), signal);
    const getting = this.withDeadline(channel.get(queue)).catch((error: unknown) => {
      this.#heads.delete(queue);
      channel.close().catch(() => {});
      throw isMissing(error) ? missing(queue) : error;
    });
    const giveBack = () => getting.then((message) => message && channel.nack(message, false, true)).catch(() => {});
    const message = await untilAborted(getting, signal).catch((error: unknown) => {
      void giveBack();
      throw error;
    });
    if (message === false) return undefined;
    const { content, properties, fields } = message;
    const settle = (how: "ack" | "requeue") => {
      if (closed.signal.aborted) return;
      if (how === "ack") channel.ack(message);
      else channel.nack(message, false, true);
    };
    return new ManagedDelivery(queue, content, properties.headers ?? {}, fields.redelivered, settle, closed.signal);
  }

  takeTogether(queue: string, count: number): Promise<Delivery[]> {
    return takeTogether(this, queue, count);
  }

  /** A channel for each look would cost two more round trips, for every retry queue, all day. */
  #headsOf(queue: string): Promise<Heads> {
    const known = this.#heads.get(queue);
    if (known) return known;
    const opening = this.open().then((channel) => {
      const closed = new AbortController();
      channel.once("close", () => {
        if (this.#heads.get(queue) === opening) this.#heads.delete(queue);
        closed.abort(new BrokerDown(`RabbitMQ closed the channel to ${queue}`));
      });
      return { channel, closed };
    });
    this.#heads.set(queue, opening);
    opening.catch(() => this.#heads.delete(queue));
    return opening;
  }
}

/** Any refusal but one shows that the queue can be reached. */
function mustBeReachable(error: unknown): undefined {
  if (isUnreachable(error)) throw error;
}

const missing = (queue: string) => new Error(`RabbitMQ has no queue ${queue}: declare it first`);
