import { expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import amqp from "amqplib";
import { placeOnRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const induction = async (site: Site) => (await site.stage("induction"))?.queue ?? "";

/** Its messages are in the induction queue, and nothing takes them. */
async function begunAndNotTaken(site: Site) {
  await site.post("/stages/induction/pause");
  return await site.begin();
}

/** The dates of the lost run are accepted again, and their employees get through. */
async function inductAgain(site: Site, lost: string) {
  await site.post("/stages/induction/resume");
  // For a moment RabbitMQ counts the consumer of the daemon that was stopped.
  const begun = await until(() => site.begin(), { what: "the dates to be free" });
  const run = await begun.through();
  expect(run.run).not.toBe(lost);
  expect((await site.get(`/runs/${lost}`)).body).toMatchObject({ status: "lost" });
  expect(site.atTheGate()).toHaveLength(2);
}

test("a queue.db that is damaged and moved away, as the advice says, leaves dates that can be inducted again", async () => {
  await using site = await startSite({ as: "binary", people: 2 });
  const { id } = await begunAndNotTaken(site);
  await site.stop();
  const file = join(site.folder, "queue.db");
  writeFileSync(file, "no database");
  expect((await site.cli("serve")).err).toContain("move it away and trigger the dates again");
  renameSync(file, `${file}.damaged`);
  await site.start();
  await inductAgain(site, id);
});

test.each([
  ["at once", async () => {}],
  [
    "and after a restart",
    async (site: Site) => {
      await site.stop();
      await site.start();
    },
  ],
])("a purged induction queue on RabbitMQ leaves dates that can be inducted again, %s", async (_, then) => {
  await using place = await placeOnRabbit();
  await using site = await startSite({ as: "binary", people: 2, broker: place.url });
  const { id } = await begunAndNotTaken(site);
  const connection = await amqp.connect(place.url);
  const channel = await connection.createChannel();
  const queue = await induction(site);
  // n.b. A stage that was just paused may have taken a message, and gives it back.
  const isPurged = async () => (await channel.purgeQueue(queue)).messageCount > 0;
  await until(isPurged, { what: "the message to be purged" });
  await connection.close();
  await then(site);
  await inductAgain(site, id);
});

test("another RabbitMQ in broker.url leaves dates that can be inducted again", async () => {
  await using before = await placeOnRabbit();
  await using after = await placeOnRabbit();
  await using site = await startSite({ as: "binary", people: 2, broker: before.url });
  const { id } = await begunAndNotTaken(site);
  await site.stop();
  await site.start({ BROKER_URL: after.url });
  await inductAgain(site, id);
});

test("a run that waits in its queue is no lost one: its dates are refused, also after a restart", async () => {
  await using site = await startSite({ as: "binary", people: 2 });
  const run = await begunAndNotTaken(site);
  expect(await site.trigger()).toMatchObject({ status: 409, body: { run: run.id } });
  await site.stop();
  await site.start();
  expect(await site.trigger()).toMatchObject({ status: 409, body: { run: run.id } });
  await site.post("/stages/induction/resume");
  await run.through();
});

test("what RabbitMQ still holds for a connection that was cut is not lost: its dates are refused", async () => {
  await using place = await placeOnRabbit();
  using way = await wayToRabbit(place.url);
  await using site = await startSite({ people: 2, broker: way.url, faults: { eposh: [{ kind: "hang" }] } });
  const date = { from: "2026-01-05", to: "2026-01-05" };
  const run = await site.begin(date);
  await until(async () => (await site.stage("induction"))?.inFlight === 1, { what: "the date to be in progress" });
  way.cutHalf();
  const isBack = async () => (await site.readyz()).broker === "up" && (await site.left()) === 0;
  await until(isBack, { what: "the connection to be back, and nothing in progress" });
  expect(await site.trigger(date, { prefer: "respond-async" })).toMatchObject({ status: 409, body: { run: run.id } });
  expect((await run.view()).status).toBe("fetching");
});
