import { setTimeout as sleep } from "node:timers/promises";
import amqp, { type Channel, type ChannelModel, type Options } from "amqplib";

const answerMs = 3_000;

interface Connection {
  model: ChannelModel;
  /** Whose question was answered. */
  idle: Channel[];
  ended: Promise<"unknown">;
}

/**
 * Whether a queue has a majority of its nodes. n.b. A quorum queue without one still answers a passive declaration, as if
 * it were well, or empty; only what changes it is never answered. A get changes nothing in an empty queue, but RabbitMQ
 * ends the whole connection for one that it could not answer for 20 s: so the question has a connection of its own.
 */
export class MajorityProbe {
  #connection: Promise<Connection> | undefined;

  constructor(
    private readonly target: Options.Connect,
    private readonly socketOptions: object,
  ) {}

  /** Of an empty queue. Unknown: the connection failed. */
  async ask(queue: string): Promise<"answered" | "silent" | "unknown"> {
    this.#connection ??= this.#connect();
    const connecting = this.#connection;
    const { promise: late, resolve } = Promise.withResolvers<"silent">();
    using _late = setTimeout(resolve, answerMs, "silent").unref();
    const connection = await Promise.race([connecting, late]).catch(() => undefined);
    if (connection === undefined || connection === "silent") return "unknown";
    const answer = await Promise.race([this.#get(connection, queue), connection.ended, late]);
    // Other questions on it are about to be late too, each by itself.
    if (answer === "silent") void sleep(answerMs / 3, undefined, { ref: false }).then(() => end(connection));
    if (answer === "silent" && this.#connection === connecting) this.#connection = undefined;
    return answer;
  }

  close(): void {
    this.#connection?.then(end).catch(() => {});
    this.#connection = undefined;
  }

  #connect(): Promise<Connection> {
    const forget = () => {
      if (this.#connection === connecting) this.#connection = undefined;
    };
    // Without heartbeats: what is asked every few seconds shows by itself that the other side is gone.
    const connecting = amqp.connect({ ...this.target, heartbeat: 0 }, this.socketOptions).then((model) => {
      const { promise: ended, resolve } = Promise.withResolvers<"unknown">();
      model.on("error", () => {});
      model.on("close", () => {
        forget();
        resolve("unknown");
      });
      return { model, idle: [], ended };
    });
    connecting.catch(forget);
    return connecting;
  }

  async #open(model: ChannelModel): Promise<Channel> {
    const channel = await model.createChannel();
    channel.on("error", () => {});
    return channel;
  }

  /** One question at a time on a channel: it is answered only when those before it on the same channel are. */
  async #get({ model, idle }: Connection, queue: string): Promise<"answered" | "unknown"> {
    try {
      const channel = idle.pop() ?? (await this.#open(model));
      const message = await channel.get(queue);
      // One that came in this moment. A return counts, but a message that has some is published again before it is lost.
      if (message) channel.nack(message);
      idle.push(channel);
      return "answered";
    } catch (error) {
      // A refusal has a code.
      return error instanceof Error && "code" in error && typeof error.code === "number" ? "answered" : "unknown";
    }
  }
}

/** Without a word to RabbitMQ, which may not answer it. */
const end = ({ model }: Connection) =>
  (model.connection as unknown as { stream: { destroy(why: Error): void } }).stream.destroy(new Error("closed"));
