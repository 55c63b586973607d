import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { openAmqp } from "../../src/broker/amqp-broker.ts";
import { selfSigned } from "../hikcentral/certificate.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { until } from "../support/until.ts";
import { isUp, numbered, queueOf, ready, take } from "./transports.ts";

const { url } = await sharedRabbit();
const { pathname, port: rabbitPort } = new URL(url);
const at = (port: number, protocol = "amqp") => `${protocol}://guest:guest@127.0.0.1:${port}${pathname}`;

async function listening(server: Server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => void server.close(),
  };
}

test("a node that refuses the connection is passed over", async () => {
  const broker = await openAmqp({ url: [at(1), at(1), url] });
  await using _closed = broker;
  await isUp(broker);
  await queueOf(broker);
});

test("a node that accepts and hangs is left after the deadline, and named", async () => {
  using silent = await listening(createServer(() => {}));
  await using broker = await openAmqp({ url: [at(silent.port), at(1), url], deadlineMs: 2_000 });
  await until(() => broker.trouble !== undefined, { what: "the first node to be left" });
  expect(broker.trouble).toBe(`RabbitMQ at 127.0.0.1:${silent.port} does not answer`);
  await isUp(broker);
  expect(broker.trouble).toBeUndefined();
});

test("while no node answers, each one is named with its reason, and no password", async () => {
  using silent = await listening(createServer((socket) => void socket.destroy()));
  await using broker = await openAmqp({ url: [at(1), at(silent.port)] });
  await until(() => broker.trouble?.includes(String(silent.port)), { what: "both to be tried" });
  expect(broker.trouble).toContain("127.0.0.1:1 refuses the connection");
  expect(broker.trouble).not.toContain("guest");
});

test("when a node goes away, its consumers and publishers go on with the next one within seconds", async () => {
  const first = await wayToRabbit(url);
  await using broker = await openAmqp({ url: [first.url, url], depthAgeMs: 0 });
  await isUp(broker);
  const queue = await queueOf(broker);
  await using taken = await take(broker, queue, 10);
  first[Symbol.dispose]();
  await until(() => broker.state !== "up", { what: "the loss to be seen" });
  const lostAt = performance.now();
  await isUp(broker);
  await broker.publish(queue, numbered(3));
  for (const delivery of await taken.has(3)) delivery.ack();
  expect(performance.now() - lostAt).toBeLessThan(5_000);
  await ready(broker, queue, 0);
});

test("a node that falls silent with its connection open is left within 15 s", async () => {
  using first = await wayToRabbit(url);
  await using broker = await openAmqp({ url: [first.url, url], depthAgeMs: 0 });
  await isUp(broker);
  const queue = await queueOf(broker);
  await using taken = await take(broker, queue, 10);
  first.fallSilent();
  const silentAt = performance.now();
  await until(() => broker.state !== "up", { what: "the silence to be noticed" });
  await isUp(broker);
  await broker.publish(queue, numbered(3));
  for (const delivery of await taken.has(3)) delivery.ack();
  expect(performance.now() - silentAt).toBeLessThan(15_000);
});

test("a node to which a large message is still under way is no silent one", async () => {
  const size = 16 << 20;
  // It takes longer than a silent node is waited for.
  using way = await wayToRabbit(url, { bytesPerSecond: size / 14 });
  await using broker = await openAmqp({ url: way.url, depthAgeMs: 0 });
  await isUp(broker);
  const queue = await queueOf(broker);
  const states: string[] = [];
  broker.onState((state) => states.push(state));
  const startedAt = performance.now();
  await broker.publish(queue, [{ body: "x".repeat(size) }]);
  expect(performance.now() - startedAt).toBeGreaterThan(10_000);
  expect(states).toEqual([]);
  await ready(broker, queue, 1);
}, 60_000);

test("amqps trusts the certificate that ca names, and no other", async () => {
  const [own, other] = [selfSigned(), selfSigned()];
  const pipe = createTlsServer({ key: own.key, cert: own.cert }, (socket) => {
    const rabbit = connect(Number(rabbitPort), "127.0.0.1");
    socket
      .on("error", () => {})
      .pipe(rabbit.on("error", () => {}))
      .pipe(socket);
  });
  using front = await listening(pipe);
  await using trusting = await openAmqp({ url: at(front.port, "amqps"), ca: own.cert });
  await isUp(trusting);
  await queueOf(trusting);
  for (const ca of [undefined, other.cert]) {
    await using refusing = await openAmqp({ url: at(front.port, "amqps"), ca });
    await until(() => refusing.trouble, { what: "the refusal" });
    expect(refusing.trouble).toMatch(/shows a certificate that is not trusted: set broker\.ca_file/);
  }
});
