import { expect, test } from "bun:test";
import { join } from "node:path";
import { migrateQueue } from "../../src/broker/migrate.ts";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { messagesIn } from "../support/messages.ts";
import { amqpTransport, bodies, depthOf, numbered, textOf } from "./transports.ts";

const rabbit = await amqpTransport();

test.each([1, 5, 100, 114])(
  "%i messages of the embedded queue move once: a second start publishes none of them",
  async (count) => {
    const file = join(temporaryFolder(), "queue.db");
    const [queue, dead] = [`test-moved-${count}`, `test-moved-${count}.dead`];
    {
      await using embedded = openSqlite({ file });
      await embedded.declare([queue, dead]);
      await embedded.publish(queue, numbered(count));
      await embedded.publish(dead, [{ body: "a dead letter", headers: { "hs-id": "1" } }]);
    }
    await using broker = await rabbit.open();
    const said: string[] = [];
    const log = { info: (text: string) => said.push(text) };
    for (const _ of ["first start", "second start"]) await migrateQueue(file, broker, log);

    expect(said).toEqual([`${count + 1} messages were moved from the embedded queue to RabbitMQ`]);
    const texts: string[] = [];
    for await (const delivery of messagesIn(broker, queue)) texts.push(textOf(delivery));
    expect(texts).toEqual(bodies(count));
    expect(await depthOf(broker, dead)).toMatchObject({ ready: 1 });
    await using embedded = openSqlite({ file });
    expect((await depthOf(embedded, queue))?.ready).toBe(0);
  },
);
