import { afterAll, describe, expect, test } from "bun:test";
import amqp from "amqplib";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, run, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { startRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { type Box, startBox } from "./box.ts";

// n.b. Its own node: an alarm blocks everybody on it.
const shared = await startRabbit();
afterAll(() => shared.stop(), 40_000);
const vhost = "/";
const people = 24;
const faults = { hikcentral: [{ kind: "slow", minMs: 10, maxMs: 40 }] } as const;
const slowly = { people, faults, env: { BROKER_URL: shared.url } };

const half = (box: Box) =>
  until(() => box.hikcentral.persons.size >= people / 3, { timeoutMs: 30_000, what: "a third to be persons" });

async function expectEverybodyOnce({ hikcentral, daemon }: Box): Promise<void> {
  const { persons } = hikcentral.state();
  expect(persons.filter(({ kib, groups }) => kib === "" || groups.length === 0)).toEqual([]);
  expect(new Set(persons.map(({ personCode }) => personCode)).size).toBe(people);
  expect(persons).toHaveLength(people);
  expect((await daemon.get("/dead")).body).toMatchObject({ total: 0 });
  await until(async () => (await daemon.get("/readyz")).status === 200, { what: "the daemon to be ready" });
}

describe("in the middle of a run, and everybody is at the gate once:", () => {
  test("every connection is cut, again and again", async () => {
    await using box = await startBox(slowly);
    const run = await box.trigger();
    await half(box);
    for (let cuts = 0; cuts < 3; cuts++) {
      await shared.ctl("close_all_connections", "--vhost", vhost, "cut by a test");
      await until(async () => (await box.readyz()).broker === "up", { what: "the connection to be back" });
    }
    expect(box.daemon.output()).toContain("is away, work waits for it");
    await run.through();
    await expectEverybodyOnce(box);
  });

  test("an alarm blocks the broker: readiness is red and says why, nothing fails, and work goes on after it", async () => {
    await using box = await startBox(slowly);
    // n.b. RabbitMQ blocks a connection only when it publishes: the run must not be over before the alarm is there.
    box.hikcentral.faults.set({ kind: "slow", minMs: 1_000 });
    const run = await box.trigger();
    await until(() => box.hikcentral.persons.size > 0, { timeoutMs: 30_000, what: "the first person" });
    await shared.ctl("set_vm_memory_high_watermark", "0.00001");
    try {
      await until(async () => (await box.readyz()).broker === "blocked", { timeoutMs: 30_000, what: "the alarm" });
      const { ready, trouble } = await box.readyz();
      expect({ ready, trouble }).toEqual({ ready: false, trouble: expect.stringContaining("takes no messages") });
      expect((await box.daemon.trigger({ from: "2026-01-20", to: "2026-01-20" })).status).toBe(503);
    } finally {
      box.hikcentral.faults.set();
      await shared.ctl("set_vm_memory_high_watermark", "0.4");
    }
    await run.through();
    expect(await box.sum("attempts_total")).toBe(0);
    await expectEverybodyOnce(box);
  });

  test("an alarm that nobody knew of: the trigger says so in bounded time, and its run begins when it is over", async () => {
    await using box = await startBox(slowly);
    await shared.ctl("set_vm_memory_high_watermark", "0.00001");
    let run: unknown;
    try {
      const { status, body } = await box.daemon.trigger();
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { error: expect.stringMatching(/starts when the broker accepts messages again/) },
      });
      run = body.run;
    } finally {
      await shared.ctl("set_vm_memory_high_watermark", "0.4");
    }
    const through = async () => (await box.daemon.get(`/runs/${run}`)).body.status === "done";
    await until(through, { timeoutMs: 40_000, what: "the run to be through" });
    await expectEverybodyOnce(box);
  });

  test("RabbitMQ is killed and started again", async () => {
    await using box = await startBox(slowly);
    const run = await box.trigger();
    await half(box);
    await shared.kill();
    await until(async () => (await box.readyz()).broker === "connecting", { what: "it to be missed" });
    const { ready, trouble } = await box.readyz();
    expect({ ready, trouble }).toEqual({ ready: false, trouble: expect.stringMatching(/cannot be reached|refuses/) });
    expect((await box.daemon.trigger({ from: "2026-01-20", to: "2026-01-20" })).status).toBe(503);
    await shared.restart();
    await run.through();
    await expectEverybodyOnce(box);
  }, 120_000);

  test("a queue is deleted, also while its stage is paused: it is there again, and its stage takes from it", async () => {
    await using box = await startBox(slowly);
    const run = await box.trigger();
    await run.through();
    const known = async () => (await box.daemon.get("/status")).body.queues as { queue: string; consumers: number }[];
    const operate = (what: string) => fetch(`${box.daemon.url}/stages/publisher/${what}`, { method: "POST" });
    await operate("pause");
    const consumers = async () => (await known()).find(({ queue }) => queue === "hikvision_queue")?.consumers;
    await until(async () => (await consumers()) === 0, { what: "publisher to let go of its queue" });
    const connection = await amqp.connect(shared.url);
    const channel = await connection.createChannel();
    const deleted = ["hikvision_create_person", "hikvision_queue.retry.100ms", "hikvision_queue"];
    for (const queue of [...deleted, "hikvision_update_kib.dead"]) await channel.deleteQueue(queue);
    await connection.close();
    await operate("resume");
    await until(async () => new Set((await known()).map(({ queue }) => queue)).isSupersetOf(new Set(deleted)), {
      what: "the queues to be there again",
    });
    const again = await box.trigger({ from: "2026-01-01", to: "2026-01-19" });
    await again.through();
    await expectEverybodyOnce(box);
  });
});

describe("at the start", () => {
  const address = new URL(shared.url);
  const wrong = (change: (url: URL) => void) => {
    const url = new URL(address);
    change(url);
    return url.href;
  };
  const cases = [
    ["wrong credentials", wrong((url) => (url.password = "not-this-one")), /refuses the user name or the password/],
    ["a missing virtual host", wrong((url) => (url.pathname = "/nowhere")), /has no such virtual host/],
    ["nobody who listens", "amqp://guest:not-this-one@127.0.0.1:1", /refuses the connection/],
  ] as const;

  // Begun here, because they take their 15 s while the tests above run.
  const ended = Promise.all(
    cases.map(async ([what, url, words]) => {
      await using simulators = await startSimulators({ people: 1 });
      const env = { ...environmentOf(simulators), BROKER_URL: url, STATE_FOLDER: temporaryFolder(), HTTP_PORT: "0" };
      const beganAt = performance.now();
      const { exit, err } = await run("serve --require-broker", env);
      return { what, words, exit, err, ms: performance.now() - beganAt };
    }),
  );

  test.each(cases)(
    "%s are said in words; it waits, red, accepts nothing, and SIGTERM ends it",
    async (_, url, words) => {
      await using simulators = await startSimulators({ people: 1 });
      await using daemon = await startDaemon({ ...environmentOf(simulators), BROKER_URL: url });
      await until(() => words.test(daemon.output()), { timeoutMs: 20_000, what: `${words}` });
      const { status, body } = await daemon.get("/readyz");
      expect({ status, trouble: body.trouble }).toEqual({ status: 503, trouble: expect.stringMatching(words) });
      expect((await daemon.get("/livez")).status).toBe(200);
      expect((await daemon.trigger()).status).toBe(503);
      const beganAt = performance.now();
      expect(await daemon.stop()).toBe(0);
      expect(performance.now() - beganAt).toBeLessThan(5_000);
      expect(daemon.output()).not.toContain("not-this-one");
    },
  );

  test("each of them ends a daemon that requires the broker with 69, in bounded time", async () => {
    for (const { what, words, exit, err, ms } of await ended) {
      expect({ what, exit, err }).toEqual({ what, exit: 69, err: expect.stringMatching(words) });
      expect(ms).toBeLessThan(30_000);
    }
  });
});
