import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import { doctor } from "../doctor/findings.ts";
import { placeOnRabbit, sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
const people = 80;

test("two daemons on one RabbitMQ share a run; one that is killed costs nobody, and each says what it saw", async () => {
  await using place = await placeOnRabbit();
  const env = {
    BROKER_PREFETCH: "4",
    BROKER_STALL_TIMEOUT: "1s",
    BROKER_RETRY_DELAYS: "50ms,100ms,150ms,200ms,250ms",
  };
  const options = { as: "binary", broker: place.url, env } as const;
  await using alone = await startSite({ ...options, people });
  const { simulators, hikcentral } = alone;
  hikcentral.faults.set({ kind: "slow", minMs: 5, maxMs: 20 });
  expect(await alone.induct({ from: "2026-01-01", to: "2026-01-01" })).toMatchObject({ status: "done", part: false });

  await using other = await startSite({ ...options, simulators });
  const { findings } = await doctor(alone);
  expect(findings.find(({ probe }) => probe === "consumers")?.text).toEndWith(
    "2 daemons share them: 2 × 8 = 16 calls to HikCentral at a time, if hikcentral.concurrency is 8 in each",
  );
  const run = await alone.begin();
  const viewBy = async (site: Site) => (await site.get(`/runs/${run.id}`)).body as unknown as RunView;
  const isThrough = (count: number) => () => alone.atTheGate().length >= count;
  await until(isThrough(people / 4), { timeoutMs: 60_000, what: "a quarter to be at the gate" });
  for (const site of [alone, other])
    expect(await site.sum("deliveries_total", { stage: "create-person", outcome: "done" })).toBeGreaterThan(0);
  expect(await viewBy(other)).toMatchObject({ part: true, fetched: { of: 0 } });
  await other.kill();
  await until(isThrough(people), { timeoutMs: 60_000, what: "everybody to be at the gate" });
  const { persons } = hikcentral.state();
  expect(persons).toHaveLength(people);
  expect(new Set(persons.map(({ kib }) => kib)).size).toBe(people);
  for (const [, { members }] of hikcentral.groups) expect(members.size).toBeLessThanOrEqual(people);
  await until(async () => (await alone.left()) === 0, { timeoutMs: 30_000, what: "the queues to be empty" });
  expect((await alone.get("/dead")).body).toMatchObject({ total: 0 });

  const seen = await viewBy(alone);
  expect(seen).toMatchObject({ part: true, fetched: { done: 17, of: 17 } });
  expect(seen.through).toBeLessThan(people);
  expect((await alone.cli(["runs", run.id])).out).toContain("incomplete: other daemons share the queues");
  await alone.stop();
  // What the killed one saw is in its folder.
  const left = await other.cli(["runs", run.id, "--json"]);
  expect(JSON.parse(left.out)).toMatchObject({ part: true });
});

test("a daemon whose connection was cut does not take what RabbitMQ still has of it for another daemon", async () => {
  using way = await wayToRabbit(url);
  const broker = new URL(way.url);
  broker.searchParams.set("heartbeat", "3");
  const env = { BROKER_STALL_TIMEOUT: "1s" };
  await using site = await startSite({ as: "binary", people: 4, broker: broker.href, env });
  const most = async () => {
    const { queues } = (await site.get("/status")).body as { queues: { consumers: number }[] };
    return Math.max(...queues.map(({ consumers }) => consumers));
  };
  await until(async () => (await most()) === 1, { what: "its consumers" });
  way.cutHalf();
  await until(async () => (await most()) === 2, { what: "it to be back while it is still counted" });
  const run = await site.begin();
  expect(await run.through()).toMatchObject({ part: false, employees: 4 });
});
