import { Database } from "bun:sqlite";
import type { Log } from "../log.ts";
import type { Broker } from "./broker.ts";
import { openSqlite } from "./sqlite.ts";

const batchSize = 100;

/**
 * Moves all that a queue.db holds to another broker, each message confirmed there before it is deleted here: killed in
 * between, it is there twice and never nowhere.
 */
export async function moveWork(file: string, to: Broker, log: Pick<Log, "info">): Promise<void> {
  const queues = holding(file);
  if (queues.length === 0) return;
  await using from = openSqlite({ file });
  await to.declare(queues);
  let moved = 0;
  for (const queue of queues) {
    const batch: Parameters<typeof send>[0] = [];
    const send = async (
      deliveries: { body: Uint8Array; headers: Readonly<Record<string, unknown>>; ack(): void }[],
    ) => {
      await to.publish(
        queue,
        deliveries.map(({ body, headers }) => ({
          body,
          headers: headers as Record<string, string | number | boolean>,
        })),
      );
      for (const delivery of deliveries.splice(0)) delivery.ack();
    };
    for await (const delivery of from.browse(queue)) {
      moved++;
      if (batch.push(delivery) >= batchSize) await send(batch);
    }
    await send(batch);
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
