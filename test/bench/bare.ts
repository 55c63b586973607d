import { Database } from "bun:sqlite";
import { join } from "node:path";
import amqp from "amqplib";

/** Messages per second from one queue to another with nothing between them: the floor that a stage stands on. */
export type Bare = (bodies: readonly string[], inFlight: number) => Promise<number>;

/** Takes, publishes, waits for the confirm, acknowledges: so many at a time. */
export const bareAmqplib =
  (url: string): Bare =>
  async (bodies, inFlight) => {
    const connection = await amqp.connect(url, { noDelay: true });
    try {
      const channel = await connection.createConfirmChannel();
      for (const queue of ["bare", "bare.next"]) {
        await channel.assertQueue(queue, { durable: true });
        await channel.purgeQueue(queue);
      }
      for (const body of bodies) channel.sendToQueue("bare", Buffer.from(body), { persistent: true });
      await channel.waitForConfirms();
      await channel.prefetch(inFlight);
      const { promise, resolve } = Promise.withResolvers<void>();
      let left = bodies.length;
      const startedAt = performance.now();
      await channel.consume("bare", (message) => {
        if (message === null) return;
        channel.sendToQueue("bare.next", message.content, { persistent: true, mandatory: true }, () => {
          channel.ack(message);
          if (--left === 0) resolve();
        });
      });
      await promise;
      return rate(bodies.length, startedAt);
    } finally {
      await connection.close();
    }
  };

/** One transaction for so many: each is read, stored in the next queue and deleted, and the disk has it. */
export const bareSqlite =
  (folder: string): Bare =>
  async (bodies, inFlight) => {
    using db = new Database(join(folder, "bare.db"), { create: true });
    db.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.run("CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, body BLOB)");
    db.run("CREATE INDEX of_queue ON messages (queue, id)");
    const insert = db.query("INSERT INTO messages (queue, body) VALUES (?, ?)");
    const take = db.query<{ id: number; body: Uint8Array }, [number]>(
      "SELECT id, body FROM messages WHERE queue = 'bare' ORDER BY id LIMIT ?",
    );
    const remove = db.query("DELETE FROM messages WHERE id = ?");
    db.transaction(() => {
      for (const body of bodies) insert.run("bare", Buffer.from(body));
    })();
    const startedAt = performance.now();
    const pass = db.transaction(() => {
      const taken = take.all(inFlight);
      for (const { id, body } of taken) {
        insert.run("next", body);
        remove.run(id);
      }
      return taken.length;
    });
    while (pass() > 0);
    return rate(bodies.length, startedAt);
  };

export const rate = (messages: number, startedAt: number) => (messages * 1000) / (performance.now() - startedAt);
