import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel, ConfirmChannel, RecoveringChannelModel } from "amqplib";
import { textOf } from "../errors.ts";
import { createSemaphore } from "../util/semaphore.ts";
import { lookEvery } from "../util/turns/ticks.ts";
import type { AmqpNodes } from "./amqp-nodes.ts";
import { BrokerDown } from "./broker.ts";
import { StatefulBroker } from "./managed-delivery.ts";

/** For closing: a broker that hangs must not keep the daemon from ending. */
const closeMs = 1_500;
/** How often the node is looked at, and those queues of which nothing was heard. */
const lookEveryMs = 5_000;
/** How long a node or a queue may take to answer. */
export const answerMs = 3_000;
/** Requests at a time: the depths of 36 queues then take one round trip, or one deadline, and not 36. */
const rpcChannels = 48;

/**
 * One connection that recovers by itself. It restores its channels too, which amqplib does not. `up` means that messages
 * can be published.
 */
export abstract class AmqpConnection extends StatefulBroker {
  /** The channel that publishes and confirms; undefined while there is none. */
  protected publisher: ConfirmChannel | undefined;
  /** IDs of messages that were returned as unroutable; their confirm follows. */
  protected readonly returned = new Set<string>();
  readonly #channels = new Set<Channel>();
  #model: ChannelModel | undefined;
  readonly #rpcPermit = createSemaphore(rpcChannels);
  #idleRpcChannels: Channel[] = [];
  #pulse: Promise<Channel> | undefined;
  #alarm: string | undefined;
  readonly #closing = new AbortController();
  #onAlarm = () => {};
  #corked = false;
  readonly #watching: Disposable;
  #isLooking = false;
  /** How often queues could not be reached since all of them could. */
  #losses = 0;

  constructor(
    private readonly connection: RecoveringChannelModel,
    private readonly nodes: AmqpNodes,
    private readonly deadlineMs: number,
  ) {
    super();
    this.#watching = lookEvery(lookEveryMs, () => this.#look());
    connection.on("connect", (model) => {
      nodes.connected();
      void this.#connected(model);
    });
    connection.on("connect-failed", (error) => this.setState("connecting", nodes.failed(error)));
    connection.on("disconnect", (error) => {
      this.#model = this.#alarm = this.#pulse = undefined;
      this.#idleRpcChannels = [];
      this.setState("connecting", nodes.failed(error));
    });
    connection.on("blocked", (reason) => this.#heard(reason));
    connection.on("unblocked", () => this.#heard(undefined));
    // "disconnect" reports it too; without a listener the error would be thrown.
    connection.on("error", () => {});
  }

  /** Called before anything is published over a new connection. */
  protected abstract restore(): Promise<void>;
  /** Whether every queue can be reached from the connected node. */
  protected abstract reachesAll(): Promise<boolean>;

  /** Whether RabbitMQ answers questions; publishing may not be possible yet. */
  protected get isConnected(): boolean {
    return this.#model !== undefined && this.#alarm === undefined;
  }

  /** Of the connected node, e.g. 3.10.8. */
  get version(): string {
    return String(this.#model?.connection.serverProperties.version ?? "");
  }

  /** A channel for one purpose; the caller closes it. Its errors reject the calls that were made on it. */
  async open(): Promise<Channel> {
    const model = this.#model;
    // n.b. During an alarm RabbitMQ does not read from a connection that has published.
    if (model === undefined || this.#alarm !== undefined) throw this.down();
    return this.#adopt(model, model.createChannel());
  }

  /** RabbitMQ's answer, or its refusal with a reply code; anything else, also a late answer, is BrokerDown. */
  async withDeadline<T>(answer: Promise<T>, ms = this.deadlineMs): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new BrokerDown(`RabbitMQ did not answer within ${ms} ms`)), ms);
    // An abandoned timer must not keep the process alive.
    timer.unref();
    try {
      return await Promise.race([answer, late.promise]);
    } catch (error) {
      if (error instanceof BrokerDown || codeOf(error) !== undefined) throw error;
      throw new BrokerDown(this.trouble ?? `RabbitMQ: ${textOf(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** One request at a time on a channel: a 404 closes the channel, and other answers would be lost with it. */
  protected async rpc<T>(question: (channel: Channel) => Promise<T>, ms = this.deadlineMs): Promise<T> {
    using _permit = await this.#rpcPermit(this.#closing.signal);
    if (this.#alarm !== undefined) throw this.down();
    const channel = this.#idleRpcChannels.pop() ?? (await this.open());
    try {
      this.corkWrites();
      const answer = await this.withDeadline(question(channel), ms);
      if (this.#channels.has(channel)) this.#idleRpcChannels.push(channel);
      return answer;
    } catch (error) {
      channel.close().catch(() => {});
      throw error;
    }
  }

  /** Everything sent in one turn of the event loop goes out in one write. */
  corkWrites(): void {
    const stream = this.#stream;
    if (this.#corked || stream === undefined) return;
    this.#corked = true;
    stream.cork();
    const uncork = () => {
      this.#corked = false;
      stream.uncork();
    };
    // n.b. amqplib hands over what was sent in one turn of the event loop in the next one.
    setImmediate(() => setImmediate(uncork));
  }

  get #stream(): Duplex | undefined {
    return (this.#model?.connection as { stream?: Duplex } | undefined)?.stream;
  }

  protected down(): BrokerDown {
    return new BrokerDown(this.trouble ?? (this.state === "closed" ? "the broker is closed" : "not connected yet"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === "closed") return;
    this.setState("closed");
    this.#watching[Symbol.dispose]();
    this.#closing.abort(this.down());
    const socket = this.#stream;
    try {
      // The channels first: an acknowledgement may still wait in one, and closing the connection would overtake it.
      await this.withDeadline(Promise.allSettled([...this.#channels].map((channel) => channel.close())), closeMs);
      this.#model = undefined;
      await this.withDeadline(this.connection.close(), closeMs);
    } catch {
      this.#model = undefined;
      void this.connection.close();
      socket?.destroy(new Error("closed"));
    }
  }

  async #connected(model: ChannelModel): Promise<void> {
    this.#model = model;
    // A queue whose node is gone must not keep the others waiting.
    await this.withDeadline(this.restore(), answerMs).catch(() => {});
    await this.#openPublisher(model);
    await this.#look();
  }

  /**
   * Leaves a node that hangs, or that the network has cut off: it answers nothing. Leaves one too, once for
   * each address, from which a queue cannot be reached: another one may reach it. n.b. In an alarm RabbitMQ reads nothing.
   */
  async #look(): Promise<void> {
    const model = this.#model;
    if (model === undefined || this.#alarm !== undefined || this.#isLooking) return;
    this.#isLooking = true;
    const answers = await this.#answers(model);
    const hasAll = answers && (await this.reachesAll());
    this.#isLooking = false;
    if (hasAll) this.#losses = 0;
    if (hasAll || this.#model !== model || this.#alarm !== undefined || this.state === "closed") return;
    if (!answers || (++this.#losses >= 2 && this.#losses <= this.nodes.size))
      this.#stream?.destroy(new Error(answers ? "a queue cannot be reached from there" : "ETIMEDOUT"));
  }

  /** False after the second silence: a process that was suspended finds its timers due before it reads the answer. */
  async #answers(model: ChannelModel): Promise<boolean> {
    for (let silences = 0; silences < 2 && this.#model === model; silences++) {
      const before = this.#traffic();
      if (await this.#answersOnce(model)) return true;
      const { read, sent } = this.#traffic();
      // The question waits behind what is being sent, which may be many megabytes over a slow network.
      if (read > before.read || (before.unsent > 0 && sent > before.sent)) silences = -1;
    }
    return false;
  }

  /** In bytes; `unsent` waits here for its turn. */
  #traffic(): { read: number; sent: number; unsent: number } {
    const { bytesRead = 0, bytesWritten = 0, writableLength = 0 } = (this.#stream ?? {}) as Partial<Socket>;
    return { read: bytesRead, sent: bytesWritten - writableLength, unsent: writableLength };
  }

  /** The smallest question there is, on a channel kept for it: a new one costs several times as much. */
  async #answersOnce(model: ChannelModel): Promise<boolean> {
    this.#pulse ??= this.#adopt(model, model.createChannel());
    const pulse = this.#pulse;
    const answer = pulse.then((channel) => channel.prefetch(1));
    if (await this.withDeadline(answer, answerMs).catch(() => undefined)) return true;
    this.#pulse = undefined;
    pulse.then((channel) => channel.close()).catch(() => {});
    return false;
  }

  async #openPublisher(model: ChannelModel): Promise<void> {
    while (this.#model === model && this.state !== "closed") {
      let refusal: string | undefined;
      try {
        const channel = await this.#adopt(model, model.createConfirmChannel());
        channel.on("return", ({ properties }) => this.returned.add(String(properties.messageId)));
        channel.on("error", (error) => {
          refusal = refusalOf(error);
          this.setState("connecting", refusal);
        });
        channel.once("close", () => {
          if (this.publisher !== channel) return;
          this.publisher = undefined;
          this.returned.clear();
          this.setState("connecting", this.trouble);
          void this.#openPublisher(model);
        });
        await this.#provePublishing(channel);
        this.publisher = channel;
        return this.#heard(this.#alarm);
      } catch (error) {
        this.setState("connecting", refusal ?? textOf(error));
        await sleep(500, undefined, { ref: false });
      }
    }
  }

  /**
   * A user without write permission may connect and consume; only the first publish fails. So one unroutable message is
   * published, and returned, before the broker counts as up. n.b. During an alarm nothing is confirmed.
   */
  async #provePublishing(channel: ConfirmChannel): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const messageId = "probe";
    const none = `hikvision-sync.probe.${crypto.randomUUID()}`;
    channel.sendToQueue(none, Buffer.alloc(0), { mandatory: true, messageId }, (error: unknown) =>
      error ? reject(error) : resolve(),
    );
    channel.once("close", () => reject(new BrokerDown("RabbitMQ closed the channel")));
    const alarmed = Promise.withResolvers<void>();
    this.#onAlarm = alarmed.resolve;
    try {
      if (this.#alarm === undefined) await Promise.race([this.withDeadline(promise), alarmed.promise]);
    } finally {
      this.#onAlarm = () => {};
      this.returned.delete(messageId);
      promise.catch(() => {});
    }
  }

  async #adopt<C extends Channel>(model: ChannelModel, opening: Promise<C>): Promise<C> {
    const channel = await this.withDeadline(opening);
    // The connection may have ended in the same moment: then the channel has emitted "close" already.
    if (this.#model !== model) throw this.down();
    this.#channels.add(channel);
    channel.once("close", () => this.#channels.delete(channel));
    channel.on("error", () => {});
    return channel;
  }

  #heard(alarm: string | undefined): void {
    this.#alarm = alarm;
    if (alarm !== undefined) this.#onAlarm();
    if (this.publisher === undefined) return;
    if (alarm === undefined) this.setState("up");
    else this.setState("blocked", `RabbitMQ accepts no messages for now: ${alarm}`);
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;

/** If the node that holds the queue is down, RabbitMQ 3 says so at once, and RabbitMQ 4 after 70 s. */
export const isUnreachable = (error: unknown) =>
  error instanceof BrokerDown || (codeOf(error) === 404 && !isMissing(error));

/** n.b. 404 is also the answer when the node that holds a queue is down. */
export const isMissing = (error: unknown) => codeOf(error) === 404 && /no queue/.test(textOf(error));

const refusalOf = (error: unknown): string =>
  codeOf(error) === 403
    ? 'RabbitMQ does not allow this user to publish: grant write permission on "amq.default" (rabbitmqctl set_permissions)'
    : `RabbitMQ closed the channel: ${textOf(error)}`;
