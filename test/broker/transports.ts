import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AmqpOptions, openAmqp } from "../../src/broker/amqp-broker.ts";
import type { Broker, Consumer, Delivery, Depth } from "../../src/broker/broker.ts";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

export interface Transport {
  readonly name: string;
  /** A broker that is up; what it stores is there again at the next call. */
  open(): Promise<Broker>;
  /** Ends what the transport itself needed. */
  close(): void;
}

export function sqliteTransport(): Transport {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-queue-"));
  return {
    name: "sqlite",
    open: async () => openSqlite({ file: join(folder, "queue.db") }),
    close: () => rmSync(folder, { recursive: true }),
  };
}

export async function amqpTransport(): Promise<Transport> {
  const { url } = await sharedRabbit();
  return { name: "amqp", open: () => openUp(url), close: () => {} };
}

/** Queues are used at once: where RabbitMQ is killed, `newQueueMs` must be left out. */
export async function openUp(url: string, options: Omit<AmqpOptions, "url"> = { newQueueMs: 0 }): Promise<Broker> {
  const broker = await openAmqp({ url, depthAgeMs: 0, ...options });
  await isUp(broker);
  return broker;
}

export const isUp = (broker: Broker) =>
  until(() => broker.state === "up", { what: `the broker to be up (${broker.trouble})` });

let made = 0;

/** A declared queue that no other test has. */
export async function queueOf(broker: Broker): Promise<string> {
  const queue = `test-${process.pid}-${++made}`;
  await broker.declare([queue]);
  return queue;
}

export const textOf = (delivery: Delivery | undefined) => new TextDecoder().decode(delivery?.body);

export interface Taken extends AsyncDisposable {
  readonly consumer: Consumer;
  readonly deliveries: Delivery[];
  readonly texts: () => string[];
  /** Waits until so many were delivered in all. */
  has(count: number): Promise<Delivery[]>;
}

export async function take(
  broker: Broker,
  queue: string,
  prefetch: number,
  act?: (delivery: Delivery) => void,
): Promise<Taken> {
  const deliveries: Delivery[] = [];
  const consumer = await broker.consume(queue, {
    prefetch,
    take(delivery) {
      deliveries.push(delivery);
      act?.(delivery);
    },
  });
  return {
    consumer,
    deliveries,
    texts: () => deliveries.map(textOf),
    has: async (count) => {
      await until(() => deliveries.length >= count, { what: `${count} deliveries` });
      return deliveries;
    },
    [Symbol.asyncDispose]: () => consumer.stop(),
  };
}

export const depthOf = async (broker: Broker, queue: string): Promise<Depth | undefined> =>
  (await broker.depths([queue])).get(queue);

export const numbered = (count: number) => Array.from({ length: count }, (_, at) => ({ body: `message ${at}` }));

export const bodies = (count: number) => numbered(count).map(({ body }) => body);

/** Waits for the number of ready messages: RabbitMQ counts a moment later. */
export const ready = (broker: Broker, queue: string, count: number) =>
  until(async () => (await depthOf(broker, queue))?.ready === count, { what: `${count} messages ready` });
