import { expect, test } from "bun:test";
import amqp from "amqplib";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
const queue = "hikvision_update_kib";

test("a stage with work ready that gets none says so, subscribes again and is red, until it gets it", async () => {
  const connection = await amqp.connect(url);
  try {
    const stranger = await connection.createChannel();
    // RabbitMQ gives everything to the first consumer of such a queue, and this one settles nothing.
    await stranger.assertQueue(queue, { durable: true, arguments: { "x-single-active-consumer": true } });
    await stranger.prefetch(1);
    const { consumerTag } = await stranger.consume(queue, () => {});
    await using site = await startSite({
      as: "binary",
      people: 3,
      broker: url,
      env: { BROKER_STALL_TIMEOUT: "1s" },
    });
    const run = await site.begin();
    const stalled = /update-kib is stalled: \d+ messages waiting, none delivered for \d+ s; subscribing again/g;
    const said = () => site.output().match(stalled)?.length ?? 0;
    await until(() => said() > 1, { what: "it to be said again and again" });
    expect(await site.readyz()).toMatchObject({ ready: false, broker: "up" });
    expect(await site.stage("update-kib")).toMatchObject({ state: "stalled", waiting: 2 });
    expect((await site.readyz()).stages.filter(({ state }) => state !== "working")).toHaveLength(1);
    await stranger.cancel(consumerTag);
    stranger.nackAll();
    await run.through();
    await until(async () => (await site.readyz()).ready, { what: "it to be ready" });
  } finally {
    await connection.close();
  }
});
