import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { isFollowed, type Published, type Taken } from "./followers.ts";

interface Frame {
  rest: Buffer;
}
/** A method, a content's header (`size` says so) or a part of its body. */
interface Decoded {
  id?: number;
  channel: number;
  size?: number;
  fields: Fields;
  content?: Buffer;
}
interface Fields {
  deliveryTag: number;
  multiple: boolean;
  routingKey: string;
  messageId: string;
  headers?: Record<string, unknown>;
}
const driver = join(import.meta.dir, "../../node_modules/amqplib/lib/frame.js");
const { parseFrame, decodeFrame } = createRequire(import.meta.url)(driver) as {
  parseFrame(bytes: Buffer, max: number): Frame | false;
  decodeFrame(frame: Frame): Decoded;
};
const basic = 60 << 16;
const methods = { publish: basic + 40, return: basic + 50, deliver: basic + 60, getOk: basic + 71, ack: basic + 80 };
const channelOpen = (20 << 16) + 10;

/** What goes in one direction of a connection: methods, and contents once they are whole. */
class Direction {
  #rest = Buffer.alloc(0);
  readonly #open = new Map<number, { method: Decoded; header?: Decoded; body: Buffer[] }>();

  constructor(
    private skip: number,
    readonly heard: (method: Decoded, header?: Decoded, body?: Buffer) => void,
  ) {}

  push(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const skipped = Math.min(this.skip, this.#rest.length);
    this.skip -= skipped;
    this.#rest = this.#rest.subarray(skipped);
    for (let frame = parseFrame(this.#rest, 0); frame; frame = parseFrame(this.#rest, 0)) {
      this.#rest = frame.rest as Buffer<ArrayBuffer>;
      this.#take(decodeFrame(frame));
    }
  }

  #take(decoded: Decoded): void {
    const { id = 0, channel, size, content } = decoded;
    const open = this.#open.get(channel);
    if (size === undefined && content === undefined) {
      const { publish, return: returned, deliver, getOk } = methods;
      if ([publish, returned, deliver, getOk].includes(id)) this.#open.set(channel, { method: decoded, body: [] });
      else this.heard(decoded);
      return;
    }
    if (open === undefined) return;
    if (content === undefined) open.header = decoded;
    else open.body.push(content);
    const body = Buffer.concat(open.body);
    if (body.length < (open.header?.size ?? 0)) return;
    this.#open.delete(channel);
    this.heard(open.method, open.header, body);
  }
}

/** Listens to one connection: what was taken, what was published and confirmed, and in which order. */
class Listener {
  readonly #taken = new Map<string, Taken>();
  readonly #unconfirmed = new Map<number, { next: number; open: Map<number, Published> }>();
  readonly #returned = new Set<string>();
  readonly #confirmed: Published[] = [];
  readonly client = new Direction(8, (...heard) => this.#fromClient(...heard));
  readonly server = new Direction(0, (...heard) => this.#fromServer(...heard));
  confirms = 0;

  constructor(
    readonly acknowledged: (taken: Taken, isRight: boolean) => void,
    /** How often each dead letter is in its queue, as far as any connection has heard. */
    readonly letters: Map<string, number>,
  ) {}

  /** Of what is not confirmed by now nobody knows whether it has arrived. */
  end(): void {
    for (const { open } of this.#unconfirmed.values()) for (const one of open.values()) this.#count(one, 1);
    this.#unconfirmed.clear();
  }

  #count(message: Published | Taken, copies: 1 | -1): void {
    if (!message.queue.endsWith(".dead")) return;
    const letter = letterOf(message);
    this.letters.set(letter, (this.letters.get(letter) ?? 0) + copies);
  }

  #fromClient({ id, channel, fields }: Decoded, header?: Decoded, body?: Buffer): void {
    if (id === channelOpen) this.#unconfirmed.set(channel, { next: 1, open: new Map() });
    const publisher = this.#unconfirmed.get(channel);
    if (id === methods.publish && publisher && header && body)
      publisher.open.set(publisher.next++, { ...messageOf(fields, header, body), messageId: header.fields.messageId });
    const key = `${channel}/${fields?.deliveryTag}`;
    const taken = id === methods.ack ? this.#taken.get(key) : undefined;
    if (taken === undefined) return;
    this.#taken.delete(key);
    const open = [...this.#unconfirmed.values()].flatMap((one) => [...one.open.values()]);
    this.#count(taken, -1);
    // A record that fails as before makes no second letter, and of two copies one is enough.
    const copies = this.letters.get(letterOf(taken.queue.endsWith(".dead") ? taken : deadOf(taken))) ?? 0;
    const isRight = isFollowed(taken, this.#confirmed.slice(taken.since), open) || copies > 0;
    this.acknowledged(taken, isRight);
  }

  #fromServer({ id, channel, fields }: Decoded, header?: Decoded, body?: Buffer): void {
    if (id === methods.return && header) this.#returned.add(header.fields.messageId);
    if ((id === methods.deliver || id === methods.getOk) && header && body)
      this.#taken.set(`${channel}/${fields.deliveryTag}`, {
        ...messageOf(fields, header, body),
        since: this.#confirmed.length,
      });
    if (id !== methods.ack) return;
    this.confirms += 1;
    const open = this.#unconfirmed.get(channel)?.open ?? new Map<number, Published>();
    for (const [tag, published] of open) {
      if (tag !== fields.deliveryTag && !(fields.multiple && tag < fields.deliveryTag)) continue;
      open.delete(tag);
      // What could not be routed is confirmed too.
      if (this.#returned.delete(published.messageId)) continue;
      this.#confirmed.push(published);
      this.#count(published, 1);
    }
  }
}

const messageOf = ({ routingKey }: Fields, { fields: { headers = {} } }: Decoded, body: Buffer) => ({
  queue: routingKey,
  id: String(headers["hs-id"] ?? ""),
  code: String(headers["hs-code"] ?? ""),
  body: body.toString(),
});

/** A dead letter by its queue and its employee: of another run the rest of the body differs. */
const letterOf = ({ queue, body }: Pick<Taken, "queue" | "body">) => {
  const { employee } = JSON.parse(body) as { employee?: unknown };
  return `${queue} ${JSON.stringify(employee ?? body)}`;
};
const deadOf = ({ queue, body }: Taken) => ({ queue: `${queue}.dead`, body });

export interface Tap extends AsyncDisposable {
  /** The address of the same place through it. */
  url: string;
  /** Acknowledgements heard, by the queue they were for. */
  acknowledged: Record<string, number>;
  /** Those that came before what follows from the message was confirmed and routed. */
  tooEarly: string[];
  /** Connections so far. */
  connections: number;
  /** Cuts the connection instead of handing on the next confirm: what was published is there, and nobody knows it. */
  cutAtConfirm(): void;
}

/** Between a daemon and RabbitMQ: hands everything on, and judges each acknowledgement from outside. */
export async function startTap(brokerUrl: string): Promise<Tap> {
  const url = new URL(brokerUrl);
  const sockets = new Set<Socket>();
  const letters = new Map<string, number>();
  let cutsNext = false;
  const server = createServer((client) => {
    const broker = connect(Number(url.port), "127.0.0.1");
    tap.connections += 1;
    const listener = new Listener(({ queue, id }, isRight) => {
      tap.acknowledged[queue] = (tap.acknowledged[queue] ?? 0) + 1;
      if (!isRight) tap.tooEarly.push(`${queue}: ${id}`);
    }, letters);
    const end = () => {
      listener.end();
      for (const socket of [client, broker]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [client, broker]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.on("data", (bytes: Buffer) => {
      listener.client.push(bytes);
      broker.write(bytes);
    });
    broker.on("data", (bytes: Buffer) => {
      const before = listener.confirms;
      listener.server.push(bytes);
      if (cutsNext && listener.confirms > before) {
        cutsNext = false;
        end();
      } else client.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  const tap: Tap = {
    url: through.href,
    acknowledged: {},
    tooEarly: [],
    connections: 0,
    cutAtConfirm() {
      cutsNext = true;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return tap;
}
