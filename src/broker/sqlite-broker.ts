import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { Exit, exits, textOf } from "../errors.ts";
import { type Migrations, migrate, versionOf } from "../util/migrations.ts";
import { type Broker, BrokerDown, type Consumer, type Delivery, type Depth, type Outgoing } from "./broker.ts";
import { bufferOf, ManagedDelivery, StatefulBroker } from "./managed-delivery.ts";

// handed_out is the highest id that ever was: a queue is first in, first out, so all before it were handed out too.
// AUTOINCREMENT, because an id used again would acknowledge somebody else.
const migrations: Migrations = [
  `
  CREATE TABLE queues (name TEXT PRIMARY KEY, handed_out INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL);
  CREATE INDEX messages_of_queue ON messages (queue, id);`,
];
const tryAgainMs = 1_000;

type Row = { id: number; headers: string; body: Uint8Array };
type Write = { run: () => void; resolve: () => void; reject: (error: Error) => void };
type Taker = { readonly prefetch: number; readonly take: (delivery: Delivery) => void; inFlight: number };

/** What is known of a queue without reading the file. */
class Queue {
  /** In hand, or acknowledged and not yet deleted. */
  readonly taken = new Set<number>();
  readonly takers = new Set<Taker>();
  /** No message before it is free. */
  next = 0;

  constructor(
    readonly name: string,
    public handedOut: number,
    /** In the file, those taken included. */
    public stored: number,
  ) {}

  free(id: number): void {
    this.taken.delete(id);
    this.next = Math.min(this.next, id);
  }
}

/** Opens or creates the file, for its owner only. Throws where it is damaged or newer, and has changed nothing then. */
export function openSqlite({ file }: { file: string }): Broker {
  closeSync(openSync(file, "a", 0o600));
  const fault = faultOf(file);
  if (fault !== undefined) throw new Exit(exits.config, `${file} ${fault}`);
  const database = new Database(file, { readwrite: true });
  database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  migrate(database, migrations);
  return new SqliteBroker(database, file);
}

const numberOf = (database: Database, query: string) => Number(database.query(query).values()[0]?.[0]);

const damaged = (how: string) =>
  `is damaged (${how}); it is left as it is: put a backup in its place, or move it away and induct again`;

function faultOf(file: string): string | undefined {
  try {
    using database = new Database(file, { readonly: true });
    const verdict = database.query("PRAGMA quick_check(1)").values()[0]?.[0];
    if (verdict !== "ok") return damaged(String(verdict).replaceAll("\n", " "));
    const isNewer = versionOf(database) > migrations.length;
    return isNewer ? "was written by a newer version; it is left as it is: install that version again" : undefined;
  } catch (error) {
    return damaged(textOf(error));
  }
}

class SqliteBroker extends StatefulBroker implements Broker {
  readonly label = "the embedded queue";
  readonly #queues = new Map<string, Queue>();
  readonly #inFlight = new Set<ManagedDelivery>();
  readonly #handedOut = new Set<Queue>();
  #writes: Write[] = [];
  #acked: { queue: Queue; id: number }[] = [];
  #scheduled = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly database: Database,
    private readonly file: string,
  ) {
    super();
    const known = database.query<{ name: string; handed_out: number; stored: number }, []>(
      "SELECT name, handed_out, (SELECT count(*) FROM messages WHERE queue = name) AS stored FROM queues",
    );
    for (const { name, handed_out, stored } of known.all()) this.#queues.set(name, new Queue(name, handed_out, stored));
    this.setState("up");
  }

  async declare(names: readonly string[]): Promise<void> {
    await this.#write(() => {
      const insert = this.database.query("INSERT OR IGNORE INTO queues (name) VALUES (?)");
      for (const name of names) insert.run(name);
    });
    for (const name of names) if (!this.#queues.has(name)) this.#queues.set(name, new Queue(name, 0, 0));
  }

  async publish(name: string, messages: readonly Outgoing[]): Promise<void> {
    const queue = this.#queue(name);
    await this.#write(() => {
      const insert = this.database.query("INSERT INTO messages (queue, headers, body) VALUES (?, ?, ?)");
      for (const { body, headers } of messages) insert.run(name, JSON.stringify(headers ?? {}), bufferOf(body));
    });
    queue.stored += messages.length;
    this.#soon();
  }

  async consume(name: string, prefetch: number, take: (delivery: Delivery) => void): Promise<Consumer> {
    const queue = this.#queue(name);
    const taker: Taker = { prefetch, take, inFlight: 0 };
    queue.takers.add(taker);
    this.#soon();
    const stop = async () => void queue.takers.delete(taker);
    return { stop, [Symbol.asyncDispose]: stop };
  }

  async *browse(name: string): AsyncGenerator<Delivery> {
    const queue = this.#queue(name);
    const browsed = new Set<number>();
    const over = new AbortController();
    const last = numberOf(this.database, "SELECT seq FROM sqlite_sequence WHERE name = 'messages'");
    try {
      for (let from = 0; this.#queue(name) === queue; ) {
        const row = this.#find(queue, from);
        if (row === null || row.id > last) return;
        from = row.id + 1;
        browsed.add(row.id);
        // What is put back stays browsed until the end: a consumer would take it out of its place.
        const settle = (how: string) => how === "ack" && browsed.delete(row.id) && this.#ack(queue, row.id);
        yield this.#hand(queue, row, settle, over.signal);
      }
    } finally {
      for (const id of browsed) queue.free(id);
      browsed.clear();
      over.abort();
      this.#soon();
    }
  }

  async depth(name: string): Promise<Depth | undefined> {
    this.#alive();
    const queue = this.#queues.get(name);
    if (queue === undefined) return undefined;
    const { stored, taken, takers } = queue;
    return { ready: stored - taken.size, consumers: takers.size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === "closed") return;
    this.#commit();
    this.setState("closed");
    clearTimeout(this.#again);
    for (const delivery of this.#inFlight) delivery.revoke();
    this.database.close(true);
  }

  #queue(name: string): Queue {
    this.#alive();
    const queue = this.#queues.get(name);
    if (queue === undefined) throw new Error(`the embedded queue has no ${name}: declare it first`);
    return queue;
  }

  #alive(): void {
    if (this.state === "closed") throw new BrokerDown("the embedded queue is closed");
  }

  /** All that arrives in one turn of the event loop shares one commit. */
  async #write(run: () => void): Promise<void> {
    this.#alive();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writes.push({ run, resolve, reject });
    this.#soon();
    return promise;
  }

  #ack(queue: Queue, id: number): void {
    this.#acked.push({ queue, id });
    this.#soon();
  }

  #soon(): void {
    if (this.#scheduled || this.state === "closed") return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.state === "closed" || !this.#commit()) return;
      for (const queue of this.#queues.values()) for (const taker of queue.takers) this.#serve(queue, taker);
    });
  }

  #commit(): boolean {
    const writes = this.#writes.splice(0);
    // What could not be written for a while is tried with anything.
    if (this.state !== "up") for (const queue of this.#queues.values()) this.#handedOut.add(queue);
    if (writes.length + this.#acked.length + this.#handedOut.size === 0) return true;
    try {
      this.database
        .transaction(() => {
          const remove = this.database.query("DELETE FROM messages WHERE id = ?");
          const mark = this.database.query("UPDATE queues SET handed_out = ? WHERE name = ?");
          for (const { run } of writes) run();
          for (const { id } of this.#acked) remove.run(id);
          for (const { handedOut, name } of this.#handedOut) mark.run(handedOut, name);
        })
        .immediate();
    } catch (error) {
      const down = new BrokerDown(`${this.file} cannot be written: ${textOf(error)}`);
      this.setState("connecting", down.message);
      for (const { reject } of writes) reject(down);
      this.#again ??= setTimeout(() => {
        this.#again = undefined;
        this.#soon();
      }, tryAgainMs);
      return false;
    }
    this.setState("up");
    for (const { queue, id } of this.#acked.splice(0)) {
      queue.taken.delete(id);
      queue.stored -= 1;
    }
    this.#handedOut.clear();
    for (const { resolve } of writes) resolve();
    return true;
  }

  /** Only as many as there was room for at the beginning: whoever settles at once must not keep the event loop. */
  #serve(queue: Queue, taker: Taker): void {
    for (let room = taker.prefetch - taker.inFlight; room > 0 && queue.stored > queue.taken.size; room--) {
      const row = queue.takers.has(taker) ? this.#find(queue, queue.next) : null;
      if (row === null) return;
      queue.next = row.id + 1;
      taker.inFlight += 1;
      const delivery = this.#hand(queue, row, (how) => {
        this.#inFlight.delete(delivery);
        taker.inFlight -= 1;
        if (how === "ack") return this.#ack(queue, row.id);
        queue.free(row.id);
        this.#soon();
      });
      this.#inFlight.add(delivery);
      taker.take(delivery);
    }
  }

  /** The first message from `id` on that nobody has. */
  #find(queue: Queue, id: number): Row | null {
    const select = this.database.query<Row, [string, number]>(
      "SELECT id, headers, body FROM messages WHERE queue = ? AND id >= ? ORDER BY id LIMIT 1",
    );
    let row = select.get(queue.name, id);
    while (row !== null && queue.taken.has(row.id)) row = select.get(queue.name, row.id + 1);
    return row;
  }

  #hand(queue: Queue, row: Row, settle: (how: "ack" | "requeue") => unknown, revoked?: AbortSignal): ManagedDelivery {
    const { id, body, headers } = row;
    const redelivered = id <= queue.handedOut;
    queue.taken.add(id);
    if (!redelivered) {
      queue.handedOut = id;
      this.#handedOut.add(queue);
    }
    this.#soon();
    return new ManagedDelivery(queue.name, body, JSON.parse(headers), redelivered, settle, revoked);
  }
}
