import { describe, expect, test } from "bun:test";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { type Box, startBox } from "./box.ts";
import { wayToRabbit } from "./way.ts";

const { url } = await sharedRabbit();
const people = 6;

/** SIGTERM; its exit code and how long it took. */
async function stop({ daemon }: Box): Promise<{ exit: number; ms: number }> {
  const startedAt = performance.now();
  return { exit: await daemon.stop(), ms: performance.now() - startedAt };
}

const inFlight = (box: Box) =>
  until(async () => (await box.stage("create-person"))?.inFlight, { timeoutMs: 30_000, what: "messages in hand" });

async function expectTheRest(env: Record<string, string>, folder: string, before: Box): Promise<void> {
  const urls = { HIKCENTRAL_URL: before.hikcentral.url, EPOSH_URL: before.eposh.url };
  await using again = await startBox({ people: 0, folder, env: { ...env, ...urls } });
  const atTheGate = () =>
    before.hikcentral.state().persons.filter(({ kib, groups }) => kib !== "" && groups.length > 0);
  await until(() => atTheGate().length === people, { timeoutMs: 30_000, what: "everybody to be at the gate" });
  expect(before.hikcentral.state().persons).toHaveLength(people);
  expect(again.daemon.output().match(/^.*(?:again in|dead letter).*$/gm) ?? []).toEqual([]);
  expect(await again.sum("attempts_total")).toBe(0);
}

describe("SIGTERM", () => {
  test("lets what is in hand be finished, SIGHUP meanwhile kills nothing, and takes no more work", async () => {
    await using box = await startBox({ people, env: { BROKER_SHUTDOWN_TIMEOUT: "20s", BROKER_PREFETCH: "2" } });
    box.hikcentral.faults.set({ kind: "slow", match: "person/single/add", minMs: 1_500 });
    await box.trigger();
    await inFlight(box);
    await until(() => box.hikcentral.faults.seen.slow, { what: "a person to be added" });
    const stopped = stop(box);
    process.kill(box.daemon.pid, "SIGHUP");
    expect((await stopped).exit).toBe(0);
    expect(box.daemon.output()).toMatch(/Stopped\n$/);
    const added = box.hikcentral.persons.size;
    expect(added).toBeGreaterThan(0);
    expect(added).toBeLessThanOrEqual(2);
    box.hikcentral.faults.set();
    await expectTheRest({}, box.folder, box);
  });

  test("while HikCentral hangs it ends within shutdown_timeout, and the rest is done later, uncharged", async () => {
    await using box = await startBox({ people, env: { BROKER_SHUTDOWN_TIMEOUT: "1s" } });
    box.hikcentral.faults.set({ kind: "hang" });
    await box.trigger();
    await inFlight(box);
    const { exit, ms } = await stop(box);
    expect(exit).toBe(0);
    expect(ms).toBeLessThan(6_000);
    box.hikcentral.faults.set();
    await expectTheRest({}, box.folder, box);
  });

  test("while RabbitMQ is silent it ends within shutdown_timeout, and the rest is done later, uncharged", async () => {
    using way = await wayToRabbit(url);
    await using box = await startBox({ people, env: { BROKER_URL: way.url, BROKER_SHUTDOWN_TIMEOUT: "1s" } });
    box.hikcentral.faults.set({ kind: "slow", match: "person/single/add", minMs: 500 });
    await box.trigger();
    await inFlight(box);
    way.fallSilent();
    const { exit, ms } = await stop(box);
    expect(exit).toBe(0);
    expect(ms).toBeLessThan(10_000);
    way[Symbol.dispose]();
    box.hikcentral.faults.set();
    await expectTheRest({ BROKER_URL: url }, box.folder, box);
  });

  test("a second one ends at once", async () => {
    await using box = await startBox({ people, env: { BROKER_SHUTDOWN_TIMEOUT: "25s" } });
    box.hikcentral.faults.set({ kind: "hang" });
    await box.trigger();
    await inFlight(box);
    const stopped = stop(box);
    await until(() => box.daemon.output().includes("Stopping"), { what: "it to stop" });
    process.kill(box.daemon.pid, "SIGTERM");
    const { exit, ms } = await stopped;
    expect(exit).toBe(1);
    expect(ms).toBeLessThan(5_000);
    box.hikcentral.faults.set();
    await expectTheRest({}, box.folder, box);
  });
});
