import type { Database } from "bun:sqlite";
import { textOf } from "../../errors.ts";
import { untilAborted } from "../../util/abort.ts";
import { SameFile } from "../../util/files/same-file.ts";
import { Shrinking } from "../../util/files/shrink.ts";
import {
  type Broker,
  BrokerDown,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Depth,
  type Outgoing,
} from "../broker.ts";
import { bufferOf, ManagedDelivery, StatefulBroker } from "../managed-delivery.ts";
import { LogSync, type Sync } from "./log-sync.ts";
import { Queue, type Taker } from "./queue.ts";
import { isPassing, openQueueFile } from "./sqlite-file.ts";

const tryAgainMs = 1_000;
/** After a backlog the file shrinks by 2 MB at a time: nobody waits for that longer than for a commit. */
const shrinkPages = 500;
/** Empty messages in this queue test whether the disk has room. */
const roomQueue = "";
const minRoomBytes = 64 * 1024;

type Row = { id: number; headers: string; body: Uint8Array };
type Write = { run: () => void; bytes: number; resolve: () => void; reject: (error: unknown) => void };

/** Opens or creates the file, for its owner only. Throws where it is damaged or newer, and has changed nothing then. */
export const openSqlite = ({ file, sync }: { file: string; sync?: Sync }): Broker =>
  new SqliteBroker(openQueueFile(file), file, sync);

class SqliteBroker extends StatefulBroker implements Broker {
  readonly label = "the embedded queue";
  readonly unreachable: ReadonlyMap<string, string> = new Map();
  readonly #queues = new Map<string, Queue>();
  readonly #inFlight = new Set<ManagedDelivery>();
  readonly #handedOut = new Set<Queue>();
  #writes: Write[] = [];
  #acked: { queue: Queue; id: number }[] = [];
  #scheduled = false;
  /** Of the largest write that was refused since it was up. */
  #refusedBytes = 0;
  /** SQLite would go on writing to files that nobody finds again. */
  readonly #files: readonly SameFile[];
  #again: ReturnType<typeof setTimeout> | undefined;
  readonly #shrinking: Shrinking;
  readonly #log: LogSync;

  constructor(
    private readonly database: Database,
    private readonly file: string,
    sync?: Sync,
  ) {
    super();
    const known = database.query<{ name: string; handed_out: number; stored: number }, []>(
      "SELECT name, handed_out, (SELECT count(*) FROM messages WHERE queue = name) AS stored FROM queues",
    );
    this.database.run("DELETE FROM messages WHERE queue = ?", [roomQueue]);
    this.#files = ["", "-wal"].map((end) => new SameFile(file + end));
    this.#log = new LogSync(`${file}-wal`, sync);
    for (const { name, handed_out, stored } of known.all()) this.#queues.set(name, new Queue(name, handed_out, stored));
    this.#shrinking = new Shrinking(database, shrinkPages, isPassing);
    this.setState("up");
  }

  async declare(names: readonly string[]): Promise<void> {
    await this.#write(0, () => {
      const insert = this.database.query("INSERT OR IGNORE INTO queues (name) VALUES (?)");
      for (const name of names) insert.run(name);
    });
    for (const name of names) if (!this.#queues.has(name)) this.#queues.set(name, new Queue(name, 0, 0));
  }

  async publish(name: string, messages: readonly Outgoing[], signal?: AbortSignal): Promise<void> {
    const queue = this.#queue(name);
    // A message that cannot be encoded fails here, for its caller alone, and not in the shared commit.
    const rows = messages.map(({ body, headers }) => [JSON.stringify(headers ?? {}), bufferOf(body)] as const);
    const bytes = rows.reduce((sum, [headers, body]) => sum + headers.length + body.length, 0);
    const stored = this.#write(bytes, () => {
      const insert = this.database.query("INSERT INTO messages (queue, headers, body) VALUES (?, ?, ?)");
      for (const [headers, body] of rows) insert.run(name, headers, body);
    });
    await untilAborted(
      stored.then(() => {
        queue.stored += rows.length;
        this.#soon();
        return this.#log.synced().catch((error) => Promise.reject(this.#down(error)));
      }),
      signal,
    );
  }

  async consume(name: string, { prefetch, take }: ConsumeOptions): Promise<Consumer> {
    const queue = this.#queue(name);
    const taker: Taker = { prefetch, take, inFlight: 0 };
    queue.takers.add(taker);
    this.#soon();
    const stop = async () => void queue.takers.delete(taker);
    return { stop, [Symbol.asyncDispose]: stop };
  }

  async take(name: string): Promise<Delivery | undefined> {
    const queue = this.#queue(name);
    const row = this.#find(queue, queue.next);
    if (row === null) return undefined;
    queue.next = row.id + 1;
    const delivery = this.#hand(queue, row, (how) => {
      this.#inFlight.delete(delivery);
      if (how === "ack") return this.#ack(queue, row.id);
      queue.free(row.id);
      this.#soon();
    });
    this.#inFlight.add(delivery);
    return delivery;
  }

  async depths(names: readonly string[]): Promise<ReadonlyMap<string, Depth>> {
    this.#alive();
    const known = names.flatMap((name) => this.#queues.get(name) ?? []);
    return new Map(
      known.map(({ name, stored, taken, takers }) => {
        return [name, { ready: stored - taken.size, consumers: takers.size, isShared: false }];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === "closed") return;
    this.#commit();
    this.setState("closed");
    clearTimeout(this.#again);
    this.#shrinking[Symbol.dispose]();
    for (const delivery of this.#inFlight) delivery.revoke();
    this.database.close(true);
    await this.#log[Symbol.asyncDispose]();
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

  /** Everything that arrives in one turn of the event loop shares one commit. */
  async #write(bytes: number, run: () => void): Promise<void> {
    this.#alive();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writes.push({ run, bytes, resolve, reject });
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
    // After a failure any commit is tried, so that the state can become `up` again.
    if (this.state !== "up") for (const queue of this.#queues.values()) this.#handedOut.add(queue);
    if (writes.length + this.#acked.length + this.#handedOut.size === 0) return true;
    const removed = this.#files.find((one) => !one.isThere());
    try {
      if (removed) throw new Error(`${removed.path} was removed or replaced while the daemon runs; restart it`);
      if (this.state !== "up") this.#proveRoom();
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
      if (!removed && !isPassing(error) && writes.length > 0) return this.#commitEach(writes, error);
      const down = this.#down(error);
      this.#refusedBytes = Math.max(this.#refusedBytes, ...writes.map(({ bytes }) => bytes));
      for (const { reject } of writes) reject(down);
      return false;
    }
    this.#refusedBytes = 0;
    this.setState("up");
    if (this.#acked.length > 0) this.#shrinking.start();
    for (const { queue, id } of this.#acked.splice(0)) {
      queue.taken.delete(id);
      queue.stored -= 1;
    }
    this.#handedOut.clear();
    for (const { resolve } of writes) resolve();
    return true;
  }

  /** Until a later commit succeeds. */
  #down(error: unknown): BrokerDown {
    const down = new BrokerDown(`${this.file} cannot be written: ${textOf(error)}`);
    if (this.state === "closed") return down;
    this.setState("connecting", down.message);
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#soon();
    }, tryAgainMs);
    return down;
  }

  /** A write that the database refuses fails for its caller; the others are committed without it. */
  #commitEach(writes: readonly Write[], error: unknown): boolean {
    const [only] = writes;
    if (writes.length === 1 && only) only.reject(error);
    else
      for (const write of writes) {
        this.#writes = [write];
        this.#commit();
      }
    return true;
  }

  /** Throws if the refused write would be refused again: a commit of a few bytes often succeeds on a full disk. */
  #proveRoom(): void {
    const bytes = Math.max(this.#refusedBytes, minRoomBytes);
    this.database.run("INSERT INTO messages (queue, headers, body) VALUES (?, '', zeroblob(?))", [roomQueue, bytes]);
    this.database.run("DELETE FROM messages WHERE queue = ?", [roomQueue]);
  }

  /** Delivers at most the room at the start: a taker that settles at once must not block the event loop. */
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

  /** The first free message from `id` on. */
  #find(queue: Queue, id: number): Row | null {
    // Thirty queues are looked at every few seconds, and most of them are empty for days.
    if (queue.stored === queue.taken.size) return null;
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
