import { expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, readdirSync, statSync } from "node:fs";
import amqp from "amqplib";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { sharedRabbit, binary as text } from "../support/rabbitmq.ts";
import { startSite } from "../support/site.ts";
import { doctor } from "./findings.ts";

const rabbit = await sharedRabbit();
const queue = "hikvision_update_kib";
const resting = { as: "binary", people: 20, broker: rabbit.url, start: false } as const;

/** Declares a queue, and takes it away again after `look`. */
async function withQueue(args: Record<string, unknown>, messages: number, look: () => Promise<void>, name = queue) {
  const connection = await amqp.connect(rabbit.url);
  const channel = await connection.createConfirmChannel();
  try {
    await channel.assertQueue(name, { durable: true, arguments: args });
    for (let sent = 0; sent < messages; sent++) channel.sendToQueue(name, Buffer.from("{}"));
    await channel.waitForConfirms();
    await look();
  } finally {
    await channel.deleteQueue(name);
    await connection.close();
  }
}

test("RabbitMQ without any queue is well, and stays without any", async () => {
  await using site = await startSite(resting);
  const { named, exit } = await doctor(site);
  expect([named, exit]).toEqual([[], 0]);
  expect(await rabbit.evaluate(`rabbit_amqqueue:list_names(${text(rabbit.vhost)})`)).toBe("[]");
  expect(readdirSync(site.folder)).toEqual([]);
});

test("broker: what is wrong is named and no other", async () => {
  await using site = await startSite(resting);
  const named = async (BROKER_URL: string) => (await doctor(site, { BROKER_URL })).named;
  expect(await named("amqp://guest:guest@name.invalid")).toEqual(["the broker: name_not_resolved"]);
  expect(await named("amqp://guest:guest@127.0.0.1:1")).toEqual(["the broker: port_closed"]);
  const { named: refused, out } = await doctor(site, { BROKER_URL: rabbit.url.replace(":guest@", ":geheim-1@") });
  expect(refused).toEqual(["the broker: broker_refused"]);
  expect(out).toContain("rejects the user name or the password");
  expect(out).not.toContain("geheim-1");

  const dead = rabbit.url.replace(/:\d+\//, ":1/");
  const { findings } = await doctor(site, { BROKER_URL: `${dead},${rabbit.url}` });
  const { host } = new URL(rabbit.url);
  expect(findings.filter(({ probe }) => /^(address|login) /.test(probe))).toMatchObject([
    { probe: "address 127.0.0.1:1", state: "failed" },
    { probe: `address ${host}`, state: "ok" },
    { probe: "login 127.0.0.1:1", state: "skipped", text: "skipped: first fix address 127.0.0.1:1" },
    { probe: `login ${host}`, state: "ok" },
  ]);

  await withQueue({ "x-message-ttl": 60_000, "x-max-length": 3 }, 0, async () => {
    const { named, faults } = await doctor(site);
    expect(named).toEqual(["the broker: queue_arguments"]);
    expect(faults[0]?.text).toContain(`${queue} has x-message-ttl 60000`);
  });
  await withQueue({ "x-max-length": 3 }, 0, () =>
    withQueue(
      { "x-message-ttl": 60_000 },
      0,
      async () => {
        const { faults } = await doctor(site);
        expect(faults.map(({ code }) => code)).toEqual(["queue_arguments"]);
        for (const said of [`${queue} has x-max-length 3`, `${queue}.dead has x-message-ttl 60000`])
          expect(faults[0]?.text).toContain(said);
        expect(faults[0]?.fix).toMatch(/hikvision_update_kib; .*; then .*hikvision_update_kib\.dead; /);
      },
      `${queue}.dead`,
    ),
  );
  await withQueue({}, 3, async () => {
    const { named, faults } = await doctor(site);
    expect(named).toEqual(["the broker: queue_unconsumed"]);
    expect(faults[0]?.text).toBe(`${queue} holds 3 messages and has no consumer`);
  });
});

test("on RabbitMQ 3 a quorum queue is well without a delivery limit, and one of -1 is named with its cure", async () => {
  await using site = await startSite(resting);
  const quorum = (more = {}) => ({ "x-queue-type": "quorum", ...more });
  const queues = async () => (await doctor(site)).findings.find(({ probe }) => probe === "queues");
  await withQueue(quorum(), 0, async () =>
    expect(await queues()).toMatchObject({ state: "ok", text: expect.stringContaining("1 quorum") }),
  );
  await withQueue(quorum({ "x-delivery-limit": -1 }), 0, async () =>
    expect(await queues()).toMatchObject({
      state: "failed",
      code: "queue_arguments",
      text: expect.stringContaining("drops a message at its first return"),
      fix: expect.stringContaining("as a classic queue"),
    }),
  );
});

test("beside a running daemon it finds all well, and the daemon does not notice", async () => {
  await using site = await startSite({ ...resting, start: true });
  const before = site.output().length;
  const { named, findings } = await doctor(site);
  expect(named).toEqual([]);
  expect(findings.find(({ probe }) => probe === "consumers")?.text).toMatch(/^(\d+) of \1 queues have a consumer/);
  expect((await site.induct()).through).toBe(20);
  expect(site.output().slice(before)).not.toMatch(/RabbitMQ|error/i);
});

test("another user than the service's finds the same, and a folder of one's own that one may not write is a fault", async () => {
  const as = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
  const canBecome = Bun.spawnSync([...as, binary, "version"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  if (!canBecome) return console.log("SKIPPED: only root can become another user here");
  await using site = await startSite({ as: "binary", people: 20 });
  chmodSync(site.folder, 0o700);
  expect(existsSync(`${site.folder}/queue.db`)).toBe(true);
  expect((await doctor(site, {}, as)).named).toEqual([]);
  expect((await site.induct()).through).toBe(20);

  const folder = temporaryFolder();
  chownSync(folder, 65534, 65534);
  chmodSync(folder, 0o500);
  const { named } = await doctor(site, { STATE_FOLDER: folder, BROKER_URL: "sqlite:/tmp/queue.db" }, as);
  expect(named).toEqual(["this machine: folder_not_writable"]);
  expect(statSync(folder).mode & 0o777).toBe(0o500);
});
