import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { type DaemonProcess, environmentOf, run, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { parsePrometheus, sumOf } from "../support/prometheus.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { startBox } from "./box.ts";
import { wayToRabbit } from "./way.ts";

const { url } = await sharedRabbit();
const people = 80;

const doneBy = async (daemon: DaemonProcess, stage: string) => {
  const samples = parsePrometheus(await (await fetch(`${daemon.url}/metrics`)).text());
  return sumOf(samples, "hikvision_sync_deliveries_total", { stage, outcome: "done" });
};

test("two daemons on one RabbitMQ share a run; one that is killed costs nobody, and each says what it saw", async () => {
  await using simulators = await startSimulators({ people });
  const { hikcentral } = simulators;
  hikcentral.faults.set({ kind: "slow", minMs: 5, maxMs: 20 });
  const env = {
    ...environmentOf(simulators),
    BROKER_URL: url,
    BROKER_PREFETCH: "4",
    BROKER_STALL_TIMEOUT: "1s",
    BROKER_RETRY_DELAYS: "50ms,100ms,150ms,200ms,250ms",
  };
  const alone = await startDaemon(env);
  await until(() => alone.output().includes("take work from"), { what: "the first" });
  expect(await alone.induct({ from: "2026-01-01", to: "2026-01-01" })).toMatchObject({ status: "done", part: false });

  const folder = temporaryFolder();
  const other = await startDaemon(env, folder);
  await until(() => other.output().includes("take work from"), { what: "the second" });
  const { body } = await alone.trigger(undefined, { prefer: "respond-async" });
  const viewBy = async (daemon: DaemonProcess) => (await daemon.get(`/runs/${body.run}`)).body as unknown as RunView;
  const isThrough = (count: number) => async () =>
    hikcentral.state().persons.filter(({ kib, groups }) => kib !== "" && groups.length > 0).length >= count;
  await until(isThrough(people / 4), { timeoutMs: 60_000, what: "a quarter to be at the gate" });
  for (const daemon of [alone, other]) expect(await doneBy(daemon, "create-person")).toBeGreaterThan(0);
  expect(await viewBy(other)).toMatchObject({ part: true, fetched: { of: 0 } });
  await other.kill();
  await until(isThrough(people), { timeoutMs: 60_000, what: "everybody to be at the gate" });
  const { persons } = hikcentral.state();
  expect(persons).toHaveLength(people);
  expect(new Set(persons.map(({ kib }) => kib)).size).toBe(people);
  for (const [, { members }] of hikcentral.groups) expect(members.size).toBeLessThanOrEqual(people);
  const waiting = async () => {
    const { stages } = (await alone.get("/readyz")).body as { stages: { waiting: number; inFlight: number }[] };
    return stages.reduce((sum, { waiting, inFlight }) => sum + waiting + inFlight, 0);
  };
  await until(async () => (await waiting()) === 0, { timeoutMs: 30_000, what: "the queues to be empty" });
  expect((await alone.get("/dead")).body).toMatchObject({ total: 0 });

  const seen = await viewBy(alone);
  expect(seen).toMatchObject({ part: true, fetched: { done: 17, of: 17 } });
  expect(seen.through).toBeLessThan(people);
  const port = new URL(alone.url).port;
  const shown = await run(["runs", String(body.run)], { ...env, HTTP_PORT: port });
  expect(shown.out).toContain("incomplete: other daemons share the queues");
  await alone.stop();
  // What the killed one saw is in its folder.
  const left = await run(["runs", String(body.run), "--json"], { ...env, STATE_FOLDER: folder, HTTP_PORT: "1" });
  expect(JSON.parse(left.out)).toMatchObject({ part: true });
});

test("a daemon whose connection was cut does not take what RabbitMQ still has of it for another daemon", async () => {
  using way = await wayToRabbit(url);
  const broker = new URL(way.url);
  broker.searchParams.set("heartbeat", "3");
  const env = { BROKER_URL: broker.href, BROKER_STALL_TIMEOUT: "1s" };
  await using box = await startBox({ people: 4, env });
  const most = async () => {
    const { queues } = (await box.daemon.get("/status")).body as { queues: { consumers: number }[] };
    return Math.max(...queues.map(({ consumers }) => consumers));
  };
  await until(async () => (await most()) === 1, { what: "its consumers" });
  way.cutHalf();
  await until(async () => (await most()) === 2, { what: "it to be back while it is still counted" });
  const run = await box.trigger();
  expect(await run.through()).toMatchObject({ part: false, employees: 4 });
});
