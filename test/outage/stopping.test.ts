import { describe, expect, test } from "bun:test";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
const people = 6;

/** SIGTERM; its exit code and how long it took. */
async function stop(site: Site): Promise<{ exit: number; ms: number }> {
  const startedAt = performance.now();
  return { exit: await site.stop(), ms: performance.now() - startedAt };
}

const inFlight = (site: Site) =>
  until(async () => (await site.stage("create-person"))?.inFlight, { what: "messages in hand" });

/** The next daemon does what this one left. */
async function expectTheRest(site: Site, changes?: Record<string, string>): Promise<void> {
  site.hikcentral.faults.set();
  await site.start(changes);
  await until(() => site.atTheGate().length === people, { what: "everybody to be at the gate" });
  expect(site.hikcentral.state().persons).toHaveLength(people);
  expect(site.output().match(/^.*(?:again in|dead letter).*$/gm) ?? []).toEqual([]);
  expect(await site.sum("attempts_total")).toBe(0);
}

describe("SIGTERM", () => {
  test("lets what is in hand be finished, SIGHUP meanwhile kills nothing, and takes no more work", async () => {
    await using site = await startSite({
      as: "binary",
      people,
      env: { BROKER_SHUTDOWN_TIMEOUT: "20s", BROKER_PREFETCH: "2" },
    });
    site.hikcentral.faults.set({ kind: "slow", match: "person/single/add", minMs: 1_500 });
    await site.begin();
    await inFlight(site);
    await until(() => site.hikcentral.faults.seen.slow, { what: "a person to be added" });
    const stopped = stop(site);
    process.kill(site.pid, "SIGHUP");
    expect((await stopped).exit).toBe(0);
    expect(site.output()).toMatch(/Stopped\n$/);
    const added = site.hikcentral.persons.size;
    expect(added).toBeGreaterThan(0);
    expect(added).toBeLessThanOrEqual(2);
    await expectTheRest(site);
  });

  test("while HikCentral hangs it ends within shutdown_timeout, and the rest is done later, uncharged", async () => {
    await using site = await startSite({ as: "binary", people, env: { BROKER_SHUTDOWN_TIMEOUT: "1s" } });
    site.hikcentral.faults.set({ kind: "hang" });
    await site.begin();
    await inFlight(site);
    const { exit, ms } = await stop(site);
    expect(exit).toBe(0);
    expect(ms).toBeLessThan(6_000);
    await expectTheRest(site);
  });

  test("while RabbitMQ is silent it ends within shutdown_timeout, and the rest is done later, uncharged", async () => {
    using way = await wayToRabbit(url);
    await using site = await startSite({
      as: "binary",
      people,
      broker: way.url,
      env: { BROKER_SHUTDOWN_TIMEOUT: "1s" },
    });
    site.hikcentral.faults.set({ kind: "slow", match: "person/single/add", minMs: 500 });
    await site.begin();
    await inFlight(site);
    way.fallSilent();
    const { exit, ms } = await stop(site);
    expect(exit).toBe(0);
    expect(ms).toBeLessThan(10_000);
    way[Symbol.dispose]();
    await expectTheRest(site, { BROKER_URL: url });
  });

  test("a second one ends at once", async () => {
    await using site = await startSite({ as: "binary", people, env: { BROKER_SHUTDOWN_TIMEOUT: "25s" } });
    site.hikcentral.faults.set({ kind: "hang" });
    await site.begin();
    await inFlight(site);
    const stopped = stop(site);
    await until(() => site.output().includes("Stopping"), { what: "it to stop" });
    process.kill(site.pid, "SIGTERM");
    const { exit, ms } = await stopped;
    expect(exit).toBe(1);
    expect(ms).toBeLessThan(5_000);
    await expectTheRest(site);
  });
});
