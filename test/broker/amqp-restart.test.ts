import { afterAll, expect, test } from "bun:test";
import { BrokerDown } from "../../src/broker/broker.ts";
import { messagesIn } from "../support/messages.ts";
import { startRabbit } from "../support/rabbitmq.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { depthOf, isUp, numbered, openUp, queueOf, ready, take, textOf } from "./transports.ts";

const rabbit = await startRabbit();
afterAll(() => rabbit.stop(), 40_000);

/** How long RabbitMQ waits for an acknowledgement on channels that are opened from now on; it looks often. */
const waitForAck = (ms: number) =>
  rabbit.evaluate(
    `application:set_env(rabbit, channel_tick_interval, 200), application:set_env(rabbit, consumer_timeout, ${ms})`,
  );

test("a consumer whose channel RabbitMQ closed is back, and the message in hand is lost and comes again", async () => {
  // The delivery acknowledgement timeout is the channel error that a slow stage really meets.
  await waitForAck(500);
  await using broker = await openUp(rabbit.url);
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(1));
  await using taken = await take(broker, queue, 1);
  const [first] = await taken.has(1);
  await waitForAck(1_800_000);
  const [, again] = await taken.has(2);
  expect(first?.revoked.aborted).toBe(true);
  expect(broker.state).toBe("up");
  first?.ack();
  again?.ack();
  await until(async () => (await depthOf(broker, queue))?.consumers === 1, { what: "the consumer to be back" });
  await ready(broker, queue, 0);
});

test("in an alarm publishes wait and fail nothing, and are confirmed when it is over", async () => {
  await using broker = await openUp(rabbit.url);
  const queue = await queueOf(broker);
  await rabbit.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.00001)");
  const before: Promise<void>[] = [];
  const isBlocked = () => {
    // n.b. A connection is told of an alarm a moment after it is set, and only once it publishes then.
    if (broker.state === "up") before.push(broker.publish(queue, numbered(1)));
    return broker.state === "blocked";
  };
  await until(isBlocked, { what: "the alarm" });
  let confirmed = 0;
  const publishing = numbered(10).map((message) => broker.publish(queue, [message]).then(() => confirmed++));
  expect(broker.trouble).toMatch(/accepts no messages for now/);
  await expect(depthOf(broker, queue)).rejects.toBeInstanceOf(BrokerDown);
  expect(confirmed).toBe(0);
  await rabbit.evaluate("vm_memory_monitor:set_vm_memory_high_watermark(0.4)");
  await Promise.all([...before, ...publishing]);
  expect([broker.state, broker.trouble]).toEqual(["up", undefined]);
  await ready(broker, queue, before.length + 10);
});

test("while RabbitMQ hangs, every request and closing end in bounded time", async () => {
  const broker = await openUp(rabbit.url, { deadlineMs: 1_000 });
  const queue = await queueOf(broker);
  await broker.publish(queue, numbered(1));
  const taken = await take(broker, queue, 1);
  const [first] = await taken.has(1);
  process.kill(rabbit.pid, "SIGSTOP");
  try {
    const status = () => Bun.file(`/proc/${rabbit.pid}/status`).text();
    await until(async () => /^State:\s+T/m.test(await status()), { what: "it to hang" });
    await expect(depthOf(broker, queue)).rejects.toBeInstanceOf(BrokerDown);
    await expect(broker.consume(queue, { prefetch: 1, take: () => {} })).rejects.toBeInstanceOf(BrokerDown);
    await expect(broker.declare(["test-other"])).rejects.toBeInstanceOf(BrokerDown);
    const pending = broker.publish(queue, numbered(1)).catch((error: unknown) => error);
    await taken.consumer.stop();
    await broker[Symbol.asyncDispose]();
    expect(await pending).toBeInstanceOf(BrokerDown);
    expect(first?.revoked.aborted).toBe(true);
  } finally {
    process.kill(rabbit.pid, "SIGCONT");
  }
});

test("kill -9 and a restart lose no confirmed message, and everything comes back by itself", async () => {
  await using broker = await openUp(rabbit.url, {});
  const queue = await queueOf(broker);
  const held = await queueOf(broker);
  await broker.publish(held, numbered(5));
  await using taken = await take(broker, held, 2);
  const [first] = await taken.has(2);

  const confirmed = new Set<string>();
  const refused: unknown[] = [];
  const publishers = Array.from({ length: 20 }, async (_, publisher) => {
    for (let at = 0; refused.length === 0; at++) {
      const body = `${publisher}-${at}`;
      await broker.publish(queue, [{ body }]).then(
        () => confirmed.add(body),
        (error: unknown) => refused.push(error),
      );
    }
  });
  await until(() => confirmed.size > 500, { what: "some messages to be confirmed" });
  await rabbit.kill();
  await Promise.all(publishers);
  for (const error of refused) expect(error).toBeInstanceOf(BrokerDown);
  await until(() => first?.revoked.aborted, { what: "the delivery to be lost" });
  expect(broker.trouble).toMatch(/refuses the connection|cannot be reached/);
  await expect(broker.publish(queue, numbered(1))).rejects.toBeInstanceOf(BrokerDown);

  await rabbit.restart();
  await isUp(broker);
  await taken.has(4);
  expect(taken.texts()).toEqual(["message 0", "message 1", "message 0", "message 1"]);
  await ready(broker, held, 3);
  const found = new Set<string>();
  for await (const delivery of messagesIn(broker, queue)) found.add(textOf(delivery));
  expect([...confirmed].filter((body) => !found.has(body))).toEqual([]);
}, 90_000);

test("what a stage cannot finish goes back uncharged before RabbitMQ closes the channel for it", async () => {
  await waitForAck(6_000);
  await using site = await startSite({ env: { BROKER_URL: rabbit.url }, holdForMs: 1_000 });
  const of = "C <- rabbit_amqqueue:consumers_all(<<$/>>)";
  const channels = () => rabbit.evaluate(`lists:sort([proplists:get_value(channel_pid, C) || ${of}])`);
  const before = await until(async () => {
    const all = await channels();
    return all.split(",").length === site.daemon.pipeline.workers.length && all;
  });
  await waitForAck(1_800_000);
  site.hikcentral.faults.set({ kind: "hang", match: "person/single/add" });
  const employed = site.employ(budi(site));
  const hung = () => (site.hikcentral.faults.seen.hang ?? 0) >= 9;
  await until(hung, { what: "it to be handed out again for longer than RabbitMQ waits" });
  expect(await channels()).toBe(before);
  site.hikcentral.faults.set();
  expect(await employed).toEqual({ end: "done", warnings: [] });
  expect(site.entries.filter(({ outcome }) => outcome === "retry")).toEqual([]);
});
