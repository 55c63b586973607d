import { afterAll, describe, expect, test } from "bun:test";
import amqp from "amqplib";
import { doctor } from "../doctor/findings.ts";
import { startRabbit } from "../support/rabbitmq.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

// n.b. Its own node: an alarm blocks everybody on it.
const shared = await startRabbit();
afterAll(() => shared.stop(), 40_000);
const people = 24;
const faults = { hikcentral: [{ kind: "slow", minMs: 10, maxMs: 40 }] } as const;
const slowly = { people, faults, broker: shared.url } as const;

const states = "[S || [{state, S}] <- rabbit_networking:connection_info_all([state])]";
/** Above this part of the memory RabbitMQ takes no messages; each connection is told a moment later. */
async function alarm(limit: number): Promise<void> {
  await shared.evaluate(`vm_memory_monitor:set_vm_memory_high_watermark(${limit})`);
  const areTold = async () => limit > 0.1 || !(await shared.evaluate(states)).includes("running");
  await until(areTold, { what: "the alarm to reach every connection" });
}

const half = (site: Site) => until(() => site.hikcentral.persons.size >= people / 3, { what: "a third to be persons" });

async function expectEverybodyOnce(site: Site): Promise<void> {
  const { persons } = site.hikcentral.state();
  expect(new Set(site.atTheGate().map(({ personCode }) => personCode)).size).toBe(people);
  expect(persons).toHaveLength(people);
  expect((await site.get("/dead")).body).toMatchObject({ total: 0 });
  await until(async () => (await site.readyz()).ready, { what: "the daemon to be ready" });
}

describe("in the middle of a run, and everybody is at the gate once:", () => {
  test("every connection is cut, again and again", async () => {
    await using site = await startSite(slowly);
    const run = await site.begin();
    await half(site);
    for (let cuts = 0; cuts < 3; cuts++) {
      await shared.cut();
      await until(async () => (await site.readyz()).broker === "up", { what: "the connection to be back" });
    }
    expect(site.output()).toContain("work waits until it is back");
    await run.through();
    await expectEverybodyOnce(site);
  });

  test("an alarm blocks the broker: readiness is red and says why, nothing fails, and work goes on after it", async () => {
    await using site = await startSite(slowly);
    // n.b. RabbitMQ blocks a connection only when it publishes: the run must not be over before the alarm is there.
    site.hikcentral.faults.set({ kind: "slow", minMs: 1_000 });
    const run = await site.begin();
    await until(() => site.hikcentral.persons.size > 0, { what: "the first person" });
    await alarm(0.00001);
    try {
      await until(async () => (await site.readyz()).broker === "blocked", { what: "the alarm" });
      const { ready, trouble } = await site.readyz();
      expect({ ready, trouble }).toEqual({ ready: false, trouble: expect.stringContaining("accepts no messages") });
      expect((await site.trigger({ from: "2026-01-20", to: "2026-01-20" })).status).toBe(503);
      expect((await doctor(site)).named).toEqual(["the broker: broker_blocked"]);
    } finally {
      site.hikcentral.faults.set();
      await alarm(0.4);
    }
    await run.through();
    expect(await site.sum("attempts_total")).toBe(0);
    await expectEverybodyOnce(site);
  });

  test("an alarm that nobody knew of: the trigger says so in bounded time, and its run begins when it is over", async () => {
    await using site = await startSite(slowly);
    await alarm(0.00001);
    let run: unknown;
    try {
      const { status, body } = await site.trigger();
      expect({ status, body }).toMatchObject({
        status: 503,
        body: { error: expect.stringMatching(/starts when the broker accepts messages again/) },
      });
      run = body.run;
    } finally {
      await alarm(0.4);
    }
    const through = async () => (await site.get(`/runs/${run}`)).body.status === "done";
    await until(through, { what: "the run to be through" });
    await expectEverybodyOnce(site);
  });

  test("RabbitMQ is killed and started again", async () => {
    await using site = await startSite(slowly);
    const run = await site.begin();
    await half(site);
    await shared.kill();
    await until(async () => (await site.readyz()).broker === "connecting", { what: "it to be missed" });
    const why = async () => /cannot be reached|refuses/.test((await site.readyz()).trouble ?? "");
    await until(why, { what: "the reason" });
    expect((await site.readyz()).ready).toBe(false);
    expect((await site.trigger({ from: "2026-01-20", to: "2026-01-20" })).status).toBe(503);
    await shared.restart();
    await run.through();
    await expectEverybodyOnce(site);
  }, 120_000);

  test("a queue is deleted, also while its stage is paused: it is there again, and its stage takes from it", async () => {
    await using site = await startSite(slowly);
    await site.induct();
    const known = async () => (await site.get("/status")).body.queues as { queue: string; consumers: number }[];
    await site.post("/stages/publisher/pause");
    const consumers = async () => (await known()).find(({ queue }) => queue === "hikvision_queue")?.consumers;
    await until(async () => (await consumers()) === 0, { what: "publisher to let go of its queue" });
    const connection = await amqp.connect(shared.url);
    const channel = await connection.createChannel();
    const deleted = ["hikvision_create_person", "hikvision_queue.retry.20ms", "hikvision_queue"];
    for (const queue of [...deleted, "hikvision_update_kib.dead"]) await channel.deleteQueue(queue);
    await connection.close();
    await site.post("/stages/publisher/resume");
    await until(async () => new Set((await known()).map(({ queue }) => queue)).isSupersetOf(new Set(deleted)), {
      what: "the queues to be there again",
    });
    await site.induct({ from: "2026-01-01", to: "2026-01-19" });
    await expectEverybodyOnce(site);
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
    ["wrong credentials", wrong((url) => (url.password = "not-this-one")), /rejects the user name or the password/],
    ["a missing virtual host", wrong((url) => (url.pathname = "/nowhere")), /has no such virtual host/],
    ["nobody who listens", "amqp://guest:not-this-one@127.0.0.1:1", /refuses the connection/],
  ] as const;

  // Begun here, because they take their 15 s while the tests above run.
  const ended = Promise.all(
    cases.map(async ([what, broker, words]) => {
      await using site = await startSite({ as: "binary", broker, start: false });
      const beganAt = performance.now();
      const { exit, err } = await site.cli("serve --require-broker");
      return { what, words, exit, err, ms: performance.now() - beganAt };
    }),
  );

  test.each(cases)(
    "%s are said in words; it waits, red, accepts nothing, and SIGTERM ends it",
    async (_, broker, words) => {
      await using site = await startSite({ as: "binary", broker, mayWait: true });
      await until(() => words.test(site.output()), { what: `${words}` });
      const { status, body } = await site.get("/readyz");
      expect({ status, trouble: body.trouble }).toEqual({ status: 503, trouble: expect.stringMatching(words) });
      expect((await site.get("/livez")).status).toBe(200);
      expect((await site.trigger()).status).toBe(503);
      const beganAt = performance.now();
      expect(await site.stop()).toBe(0);
      expect(performance.now() - beganAt).toBeLessThan(5_000);
      expect(site.output()).not.toContain("not-this-one");
    },
  );

  test("each of them ends a daemon that requires the broker with 69, in bounded time", async () => {
    for (const { what, words, exit, err, ms } of await ended) {
      expect({ what, exit, err }).toEqual({ what, exit: 69, err: expect.stringMatching(words) });
      expect(ms).toBeLessThan(30_000);
    }
  });
});
