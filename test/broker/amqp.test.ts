import { describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import amqp from "amqplib";
import { openAmqp } from "../../src/broker/amqp-broker.ts";
import { BrokerDown } from "../../src/broker/broker.ts";
import { passThrough } from "../../src/broker/careful-pass.ts";
import { binary, permission, sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { depthOf, isUp, numbered, openUp, queueOf, ready, take, textOf } from "./transports.ts";

const { url, vhost, evaluate, cut } = await sharedRabbit();
/** Another client's view of the broker. */
async function asStranger<T>(act: (channel: amqp.Channel) => Promise<T>): Promise<T> {
  const connection = await amqp.connect(url);
  try {
    return await act(await connection.createChannel());
  } finally {
    await connection.close();
  }
}

test("a queue that exists is left as it is: quorum, with arguments, or not durable", async () => {
  await using broker = await openUp(url);
  const queues = ["test-quorum", "test-arguments", "test-transient"];
  await asStranger(async (channel) => {
    await channel.assertQueue("test-quorum", { durable: true, arguments: { "x-queue-type": "quorum" } });
    await channel.assertQueue("test-arguments", { durable: true, maxLength: 1_000 });
    await channel.assertQueue("test-transient", { durable: false });
    await broker.declare([...queues, "test-made-here"]);
    for (const queue of queues) {
      await broker.publish(queue, numbered(1));
      await ready(broker, queue, 1);
    }
    // Would be a 406 if it were anything else than durable without arguments.
    await channel.assertQueue("test-made-here", { durable: true, arguments: {} });
  });
});

test("a stranger's message, without headers or with odd ones, is delivered; ours is persistent JSON", async () => {
  await using broker = await openUp(url);
  const queue = await queueOf(broker);
  await asStranger(async (channel) => {
    channel.sendToQueue(queue, Buffer.from("{}"));
    channel.sendToQueue(queue, Buffer.from("{}"), { headers: { nested: { list: [1, "two"] } } });
    await using taken = await take(broker, queue, 2);
    const [plain, odd] = await taken.has(2);
    expect(plain?.headers).toEqual({});
    expect(odd?.headers).toEqual({ nested: { list: [1, "two"] } });
    const other = await queueOf(broker);
    await broker.publish(other, [{ body: "{}" }]);
    const got = (await channel.get(other)) || undefined;
    expect(got?.properties).toMatchObject({ contentType: "application/json", deliveryMode: 2 });
  });
});

test("headers that the driver cannot carry reject that publish and harm nothing else", async () => {
  await using broker = await openUp(url);
  const queue = await queueOf(broker);
  const tooMuch = { body: "x", headers: { "hs-much": "x".repeat(70_000) } };
  await expect(broker.publish(queue, [tooMuch])).rejects.not.toBeInstanceOf(BrokerDown);
  await broker.publish(queue, numbered(1));
  expect(broker.state).toBe("up");
});

test("after the connection is cut, what was in hand is lost and comes again, by itself", async () => {
  await using broker = await openUp(url);
  const states: string[] = [];
  broker.onState((state) => states.push(state));
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(5));
  await using taken = await take(broker, queue, 2);
  const [first, second] = await taken.has(2);
  await cut();
  await until(() => first?.revoked.aborted && second?.revoked.aborted, { what: "the deliveries to be lost" });
  first?.ack();
  second?.requeue();
  const again = (await taken.has(4)).slice(2);
  expect(taken.texts()).toEqual(["message 0", "message 1", "message 0", "message 1"]);
  expect(again.map(({ redelivered, revoked }) => [redelivered, revoked.aborted])).toEqual([
    [true, false],
    [true, false],
  ]);
  await isUp(broker);
  expect(states).toEqual(["connecting", "up"]);
  await ready(broker, queue, 3);
  for (const delivery of again) delivery.ack();
  await taken.has(6);
  await broker.publish(queue, [{ body: "after" }]);
});

test("publishes are refused at once while there is no connection, and none in flight hangs", async () => {
  await using broker = await openUp(url);
  const queue = await queueOf(broker);
  const results: unknown[] = [];
  const isDown = () => broker.state === "connecting";
  const publishing = (async () => {
    for (;;) {
      const down = isDown();
      const result = await broker.publish(queue, [{ body: String(results.length) }]).then(
        () => "confirmed",
        (error: unknown) => error,
      );
      results.push(result);
      if (down) return;
      if (result !== "confirmed") await until(isDown);
    }
  })();
  await until(() => results.includes("confirmed"), { what: "the first confirm" });
  await cut();
  await publishing;
  expect(results.at(-1)).toBeInstanceOf(BrokerDown);
  await isUp(broker);
  const confirmed = results.filter((result) => result === "confirmed").length;
  expect((await depthOf(broker, queue))?.ready).toBeGreaterThanOrEqual(confirmed);
});

test("a deleted queue is declared and consumed again, and what was in hand stays valid", async () => {
  await using broker = await openUp(url);
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(2));
  await using taken = await take(broker, queue, 1);
  const [first] = await taken.has(1);
  await asStranger((channel) => channel.deleteQueue(queue));
  expect(first?.revoked.aborted).toBe(false);
  first?.ack();
  await until(async () => (await depthOf(broker, queue))?.consumers === 1, { what: "the consumer to be back" });
  await broker.publish(queue, [{ body: "anew" }]);
  await taken.has(2);
  expect(taken.texts()).toEqual(["message 0", "anew"]);
  expect(broker.state).toBe("up");
});

test("a consumer that was stopped does not come back", async () => {
  await using broker = await openUp(url);
  const queue = await queueOf(broker);
  const taken = await take(broker, queue, 1);
  await taken.consumer.stop();
  const states: string[] = [];
  broker.onState((state) => states.push(state));
  await cut();
  // It may be up again before one looks.
  await until(() => states.includes("up"), { what: "the connection to be cut and back" });
  await broker.publish(queue, numbered(1));
  await using other = await take(broker, queue, 1);
  await other.has(1);
  expect((await depthOf(broker, queue))?.consumers).toBe(1);
  expect(taken.deliveries).toHaveLength(0);
});

test("looking, passing through, failing and consuming open no more channels in time, and closing leaves none", async () => {
  const channels = async () =>
    Number(await evaluate(`length([1 || [{vhost, ${binary(vhost)}}] <- rabbit_channel:info_all([vhost])])`));
  await until(async () => (await channels()) === 0, { what: "the channels of the tests before to be gone" });
  const broker = await openUp(url);
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(3));
  let afterFirst = Number.NaN;
  for (let round = 0; round < 10; round++) {
    await Promise.all([depthOf(broker, "test-none"), depthOf(broker, queue), broker.declare([queue])]);
    await expect(broker.consume("test-none", { prefetch: 1, take: () => {} })).rejects.toThrow();
    await passThrough(broker, queue, { idOf: textOf, visit: async () => false });
    (await broker.take(queue))?.requeue();
    const taken = await take(broker, queue, 3);
    await taken.has(3);
    await taken.consumer.stop();
    for (const delivery of taken.deliveries) delivery.requeue();
    await ready(broker, queue, 3);
    if (round === 0) afterFirst = await channels();
  }
  await until(async () => (await channels()) <= afterFirst, { what: "the channels to close" });
  await broker[Symbol.asyncDispose]();
  await until(async () => (await channels()) === 0, { what: "the connection to close" });
});

test("acknowledgements given just before closing are not lost", async () => {
  const broker = await openUp(url);
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(100));
  const taken = await take(broker, queue, 100);
  for (const delivery of await taken.has(100)) delivery.ack();
  await broker[Symbol.asyncDispose]();
  await using after = await openUp(url);
  expect((await depthOf(after, queue))?.ready).toBe(0);
});

test("a user and password with any characters in them get in", async () => {
  const [user, password] = ["büro@induksi", "p%ä:ss/wörd"];
  const [name, by] = [binary(user), binary("test")];
  await evaluate(`ok = rabbit_auth_backend_internal:add_user(${name}, ${binary(password)}, ${by})`);
  try {
    await evaluate(permission(user, vhost));
    const address = new URL(url);
    await using broker = await openUp(
      `amqp://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${address.host}${address.pathname}`,
    );
    await broker.publish(await queueOf(broker), numbered(1));
  } finally {
    await evaluate(`rabbit_auth_backend_internal:delete_user(${name}, ${by})`);
  }
});

describe("trouble says in words, without the password, why it is not up", () => {
  const { host } = new URL(url);
  const cases: [string, string, RegExp][] = [
    ["a wrong password", `amqp://guest:verysecret@${host}`, /rejects the user name or the password/],
    ["a missing virtual host", `amqp://guest:guest@${host}/nowhere`, /no such virtual host/],
    ["a closed port", "amqp://guest:verysecret@127.0.0.1:1", /127\.0\.0\.1:1 refuses the connection/],
    ["an unknown name", "amqp://guest:verysecret@nowhere.invalid", /nowhere\.invalid:5672 cannot be found/],
  ];
  for (const [what, wrong, words] of cases)
    test(what, async () => {
      await using broker = await openAmqp({ url: wrong });
      await until(() => words.test(broker.trouble ?? ""), { what: `${words} in ${broker.trouble}` });
      expect(broker.state).toBe("connecting");
      expect(broker.trouble).not.toMatch(/verysecret|guest/);
      await expect(broker.publish("test", [{ body: "x" }])).rejects.toThrow(words);
      await expect(broker.consume("test", { prefetch: 1, take: () => {} })).rejects.toBeInstanceOf(BrokerDown);
      await expect(broker.declare(["test"])).rejects.toBeInstanceOf(BrokerDown);
    });

  test("a server that accepts and says nothing", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await until(() => server.listening);
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    await using broker = await openAmqp({ url: `amqp://127.0.0.1:${port}`, deadlineMs: 200 });
    await until(() => /does not answer/.test(broker.trouble ?? ""), { what: "the time-out" });
    await until(() => sockets.length > 1, { what: "another try" });
    await broker[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test("an address that is none is refused without being quoted", async () => {
    for (const wrong of ["http://guest:verysecret@host", "amqp://guest:verysecret@ho st", "verysecret"]) {
      const refused = await openAmqp({ url: wrong }).catch(String);
      expect(refused).toMatch(/broker\.url/);
      expect(refused).not.toMatch(/verysecret/);
    }
  });
});
