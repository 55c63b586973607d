import { expect, test } from "bun:test";
import { join } from "node:path";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { PausedStages } from "../../src/operator/paused-stages.ts";
import { messagesIn } from "../support/messages.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { depthOf, numbered, openUp, textOf } from "./transports.ts";

const rabbit = await sharedRabbit();
const queue = "hikvision_update_kib";
const messages = 4_000;

test("what the embedded queue holds goes to RabbitMQ before any work: a daemon killed meanwhile loses none of it", async () => {
  // Forty batches take a second at least: however fast the machine, the first of them is seen before the last one.
  using way = await wayToRabbit(rabbit.url, { delayMs: 12 });
  await using site = await startSite({ as: "binary", broker: way.url, start: false, mayWait: true });
  const file = join(site.folder, "queue.db");
  new PausedStages(site.folder).set("update-kib", new Date().toISOString());
  {
    await using embedded = openSqlite({ file });
    await embedded.declare([queue]);
    await embedded.publish(queue, numbered(messages));
  }
  const left = async () => {
    await using embedded = openSqlite({ file });
    return (await depthOf(embedded, queue))?.ready ?? 0;
  };
  await using broker = await openUp(rabbit.url);
  await broker.declare([queue]);
  const moved = async () => (await depthOf(broker, queue))?.ready ?? 0;

  let interrupted = 0;
  for (let kills = 0; kills < 3; kills++) {
    const before = await moved();
    await site.start();
    await until(async () => (await moved()) > before, { everyMs: 1, what: "some to be moved" });
    await site.kill();
    const rest = await left();
    expect((await moved()) + rest).toBeGreaterThanOrEqual(messages);
    if (rest === 0) break;
    interrupted++;
  }
  expect(interrupted).toBeGreaterThan(0);

  await site.start();
  // n.b. On a busy machine the last kill may come after all was moved, and then nothing is said of a rest.
  await until(() => site.output().includes("take work from"), { what: "the rest to be moved" });
  const texts: string[] = [];
  for await (const delivery of messagesIn(broker, queue)) texts.push(textOf(delivery));
  expect(new Set(texts).size).toBe(messages);
  expect(texts.length).toBeLessThanOrEqual(messages + 3 * 100);
  await site.stop();
  expect(await left()).toBe(0);
});
