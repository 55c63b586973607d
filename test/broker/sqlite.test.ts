import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { fdatasync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BrokerDown, type Delivery } from "../../src/broker/broker.ts";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { messagesIn } from "../support/messages.ts";
import { until } from "../support/until.ts";
import { bodies, depthOf, isUp, numbered, queueOf, ready, take, textOf } from "./transports.ts";

const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newFile = () => join(folder, `${++files}.db`);

async function filled(file: string, count = 400): Promise<string> {
  await using broker = openSqlite({ file });
  await broker.declare(["hikvision_queue"]);
  await broker.publish("hikvision_queue", numbered(count));
  return file;
}

test("the file and what lies beside it are for their owner only", async () => {
  const file = newFile();
  await using broker = openSqlite({ file });
  await queueOf(broker);
  for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
});

test("publishes that arrive together share one commit", async () => {
  const file = newFile();
  await using broker = openSqlite({ file });
  const queue = await queueOf(broker);
  const before = statSync(`${file}-wal`).size;
  await Promise.all(numbered(300).map((message) => broker.publish(queue, [message])));
  // A commit of its own for each would write 300 pages at least.
  expect(statSync(`${file}-wal`).size - before).toBeLessThan(100 * 4_096);
});

test("a message is confirmed once the disk has it, and nothing else waits for the disk", async () => {
  const asked: PromiseWithResolvers<void>[] = [];
  const sync = () => {
    asked.push(Promise.withResolvers());
    return asked.at(-1)?.promise ?? Promise.resolve();
  };
  await using broker = openSqlite({ file: newFile(), sync });
  const queue = await queueOf(broker);
  let confirmed = "";
  const publish = async (body: string) => {
    await broker.publish(queue, [{ body }]);
    confirmed += body;
  };
  const publishing = [publish("a")];
  await until(() => asked.length === 1, { what: "the disk to be asked" });
  publishing.push(publish("b"), publish("c"));
  await until(async () => (await depthOf(broker, queue))?.ready === 3, { what: "three messages to be committed" });
  expect(confirmed).toBe("");
  asked[0]?.resolve();
  await until(() => asked.length === 2, { what: "the disk to be asked for the other two" });
  expect(confirmed).toBe("a");
  asked[1]?.resolve();
  await Promise.all(publishing);
  expect(confirmed).toBe("abc");
});

test("a message that the disk refuses is not confirmed, and the next commit finds the disk again", async () => {
  const failing = [new Error("EIO")];
  const sync = async () => {
    const error = failing.pop();
    if (error) throw error;
  };
  await using broker = openSqlite({ file: newFile(), sync });
  const queue = await queueOf(broker);
  const refused = broker.publish(queue, [{ body: "a" }]);
  await expect(refused).rejects.toThrow(BrokerDown);
  await isUp(broker);
  await broker.publish(queue, [{ body: "b" }]);
  // The first one may be there too: its publisher sends it again.
  expect((await depthOf(broker, queue))?.ready).toBe(2);
});

test("what was confirmed before a kill -9 is there, and what was handed out is marked", async () => {
  const file = newFile();
  const script = `
    import { openSqlite } from ${JSON.stringify(join(import.meta.dir, "../../src/broker/sqlite/sqlite-broker.ts"))};
    const broker = openSqlite({ file: ${JSON.stringify(file)} });
    await broker.declare(["first", "second"]);
    await broker.publish("first", [{ body: "a" }, { body: "b" }, { body: "c" }]);
    await broker.consume("first", { prefetch: 2, take() {} });
    for (let at = 0; ; at++) {
      await Promise.all([0, 1, 2].map((part) => broker.publish("second", [{ body: at + "." + part }])));
      console.log(at);
    }`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  let printed = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) printed += new TextDecoder().decode(chunk);
  })();
  await until(() => printed.split("\n").length > 50, { what: "messages to be confirmed" });
  child.kill("SIGKILL");
  await reading;
  await using broker = openSqlite({ file });
  const found = new Set<string>();
  for await (const delivery of messagesIn(broker, "second")) found.add(textOf(delivery));
  for (const at of printed.trim().split("\n")) for (const part of [0, 1, 2]) expect(found).toContain(`${at}.${part}`);
  await using taken = await take(broker, "first", 10);
  await taken.has(3);
  expect(taken.texts()).toEqual(["a", "b", "c"]);
  expect(taken.deliveries.map(({ redelivered }) => redelivered)).toEqual([true, true, false]);
});

test("an acknowledged message stays gone, and its id is never used again", async () => {
  const file = newFile();
  {
    await using broker = openSqlite({ file });
    await broker.declare(["q"]);
    await broker.publish("q", numbered(2));
    await using taken = await take(broker, "q", 2);
    for (const delivery of await taken.has(2)) delivery.ack();
  }
  await using broker = openSqlite({ file });
  expect(await depthOf(broker, "q")).toMatchObject({ ready: 0, consumers: 0 });
  await broker.publish("q", [{ body: "new" }]);
  await using taken = await take(broker, "q", 2);
  expect((await taken.has(1))[0]?.redelivered).toBe(false);
});

test("a damaged file stops the start in words and is left untouched", async () => {
  const garbage = newFile();
  writeFileSync(garbage, "this is a shopping list and no database ".repeat(500));
  const torn = await filled(newFile());
  const bytes = readFileSync(torn);
  bytes.fill(0xa5, 4_096, 12_288);
  writeFileSync(torn, bytes);
  const short = await filled(newFile());
  truncateSync(short, 8_192);
  for (const file of [garbage, torn, short]) {
    const before = readFileSync(file);
    expect(() => openSqlite({ file })).toThrow(new RegExp(`${file} is damaged \\(.*\\).*left as it is.*backup`));
    expect(readFileSync(file).equals(before)).toBe(true);
  }
});

test("a file of a newer version is refused and left untouched", async () => {
  const file = await filled(newFile());
  new Database(file).run("PRAGMA user_version = 99");
  const before = readFileSync(file);
  expect(() => openSqlite({ file })).toThrow(/newer version.*left as it is.*install that version/);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("a folder that is not there is named, and not called damaged", () => {
  expect(() => openSqlite({ file: join(folder, "nowhere/queue.db") })).toThrow(/nowhere\/queue\.db/);
});

test("a full disk rejects publishes with the reason, and work goes on by itself when there is room", async () => {
  const file = newFile();
  await using broker = openSqlite({ file });
  await broker.declare(["q"]);
  await broker.publish("q", numbered(3));
  await using taken = await take(broker, "q", 1);
  const [first] = await taken.has(1);
  // A limit on the size of files fails a write as a full disk does.
  const ignore = () => {};
  process.on("SIGXFSZ", ignore);
  const limit = (bytes: string) => {
    const run = Bun.spawnSync(["prlimit", "--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
    expect(run.exitCode).toBe(0);
  };
  const refuse = async () => {
    const refused = await broker.publish("q", [{ body: "x".repeat(200_000) }]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(BrokerDown);
    expect(broker.state).toBe("connecting");
    expect(broker.trouble).toBe((refused as Error).message);
    expect(broker.trouble).toContain(`${file} cannot be written`);
  };
  try {
    limit("20000");
    await refuse();
    limit("unlimited");
    await isUp(broker);
    expect(broker.trouble).toBeUndefined();

    limit("20000");
    await refuse();
    // Given while nothing can be written, and written later; nothing new is handed out meanwhile.
    first?.ack();
    await refuse();
    expect(taken.deliveries).toHaveLength(1);
  } finally {
    limit("unlimited");
    process.off("SIGXFSZ", ignore);
  }
  await taken.has(2);
  expect(taken.texts()).toEqual(bodies(2));
  await broker.publish("q", [{ body: "after" }]);
  await ready(broker, "q", 2);
});

test("ten thousand messages ask the disk few times, and the event loop answers meanwhile", async () => {
  let asked = 0;
  const sync = (log: number) => {
    asked += 1;
    return promisify(fdatasync)(log);
  };
  await using broker = openSqlite({ file: newFile(), sync });
  const queue = await queueOf(broker);
  let longestMs = 0;
  let last = performance.now();
  const pulse = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const started = performance.now();
  const publishers = Array.from({ length: 50 }, async () => {
    for (let at = 0; at < 200; at++) await broker.publish(queue, [{ body: "x".repeat(1_000) }]);
  });
  let done = 0;
  await using _taken = await take(broker, queue, 100, (delivery) => {
    done += 1;
    delivery.ack();
  });
  await Promise.all(publishers);
  await until(() => done === 10_000, { what: "all to be acknowledged" });
  clearInterval(pulse);
  const allMs = performance.now() - started;
  // Not in how many seconds: that is the disk's. Each by itself it would be 10,000 times.
  expect(asked).toBeLessThan(2_000);
  // A busy machine takes the processor away now and then.
  expect(longestMs).toBeLessThan(Math.max(500, allMs / 5));
});

test.each(["made by this version", "made before"])(
  "the space of a backlog is given back once it is worked off (a file %s)",
  async (origin) => {
    const file = newFile();
    {
      await using broker = openSqlite({ file });
      await queueOf(broker);
    }
    if (origin === "made before") {
      using old = new Database(file);
      old.run("PRAGMA auto_vacuum = 0; VACUUM");
    }
    await using broker = openSqlite({ file });
    const queue = await queueOf(broker);
    const body = "x".repeat(50_000);
    await broker.publish(
      queue,
      Array.from({ length: 120 }, () => ({ body })),
    );
    const size = () => statSync(file).size + statSync(`${file}-wal`).size;
    expect(size()).toBeGreaterThan(6e6);
    let left = 120;
    const take = async (delivery: Delivery) => {
      await delivery.ack();
      left--;
    };
    await broker.consume(queue, { prefetch: 50, take });
    await until(() => left === 0, { what: "the backlog to be worked off" });
    // What is left of the log is overwritten by further work.
    const rest = async () => {
      await broker.publish(queue, [{ body: "x" }]);
      return statSync(file).size < 3e6 && statSync(`${file}-wal`).size < 10e6;
    };
    await until(rest, { everyMs: 50, what: "the file to shrink" });
  },
);
