import { Database } from "bun:sqlite";
import type { Log } from "../observability/log.ts";
import type { Broker } from "./broker.ts";
import { headersOf, takeUpTo } from "./careful-pass.ts";
import { openSqlite } from "./sqlite/sqlite-broker.ts";

const batchSize = 100;

/**
 * Moves all messages of a queue.db to another broker. Each message is confirmed there before it is deleted here: a kill
 * in between doubles a message and never loses one.
 */
export async function migrateQueue(file: string, to: Broker, log: Pick<Log, "info">): Promise<void> {
  const queues = holding(file);
  if (queues.length === 0) return;
  // n.b. Closing it commits the acknowledgements.
  await using from = openSqlite({ file });
  await to.declare(queues);
  let moved = 0;
  for (const queue of queues) {
    for (;;) {
      const batch = await takeUpTo(from, queue, batchSize);
      if (batch.length === 0) break;
      await to.publish(
        queue,
        batch.map((one) => ({ body: one.body, headers: headersOf(one) })),
      );
      for (const delivery of batch) delivery.ack();
      moved += batch.length;
    }
  }
  log.info(`${moved} messages were moved from the embedded queue to ${to.label}`);
}

function holding(file: string): string[] {
  using database = new Database(file, { readonly: true });
  return database
    .query<{ queue: string }, []>("SELECT DISTINCT queue FROM messages WHERE queue <> ''")
    .all()
    .map(({ queue }) => queue);
}
