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
    const isTheOnlyOne = async () => {
      const { ready, broker, stages } = await site.readyz();
      const others = stages.filter(({ state }) => state !== "working");
      const stalled = { name: "update-kib", state: "stalled", waiting: 2 };
      return !ready && broker === "up" && others.length === 1 && Bun.deepMatch(stalled, others[0]);
    };
    await until(isTheOnlyOne, { what: "update-kib alone to be stalled, with all but one message" });
    expect((await run.view()).status).toBe("working");
    await stranger.cancel(consumerTag);
    stranger.nackAll();
    await run.through();
    await until(async () => (await site.readyz()).ready, { what: "it to be ready" });
  } finally {
    await connection.close();
  }
});
