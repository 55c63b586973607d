import { Database } from "bun:sqlite";
import type { Log } from "../observability/log.ts";
import type { Broker, Delivery, Headers } from "./broker.ts";
import { openSqlite } from "./sqlite-broker.ts";

const batchSize = 100;

/**
 * Moves all that a queue.db holds to another broker, each message confirmed there before it is deleted here: killed in
 * between, it is there twice and never nowhere.
 */
export async function migrateQueue(file: string, to: Broker, log: Pick<Log, "info">): Promise<void> {
  const queues = holding(file);
  if (queues.length === 0) return;
  await using from = openSqlite({ file });
  await to.declare(queues);
  let moved = 0;
  for (const queue of queues) {
    const batch: Delivery[] = [];
    const send = async () => {
      const messages = batch.map(({ body, headers }) => ({ body, headers: headers as Headers }));
      await to.publish(queue, messages);
      for (const delivery of batch.splice(0)) delivery.ack();
      moved += messages.length;
    };
    for await (const delivery of from.browse(queue)) if (batch.push(delivery) >= batchSize) await send();
    await send();
  }
  log.info(`${moved} messages that the embedded queue held are in ${to.label} now`);
}

function holding(file: string): string[] {
  using database = new Database(file, { readonly: true });
  return database
    .query<{ queue: string }, []>("SELECT DISTINCT queue FROM messages")
    .all()
    .map(({ queue }) => queue);
}
