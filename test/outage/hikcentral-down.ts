import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, startDaemon } from "../support/daemon.ts";
import { parsePrometheus, sumOf } from "../support/prometheus.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

const rabbit = await sharedRabbit();

/** With all 1,543 people and a whole minute what a release must show; else with fewer of both. */
export const testOutages = ({ isFull = false } = {}) => {
  const people = isFull ? 1_543 : 60;
  const patienceMs = isFull ? 900_000 : 60_000;
  test.each([
    ["refusing every connection", "refuse", "RabbitMQ", 5_000, { BROKER_URL: rabbit.url }],
    ["hanging without an answer", "hang", "the embedded queue", 10_000, isFull ? {} : { HIKCENTRAL_TIMEOUT: "3s" }],
  ] as const)(
    "HikCentral %s in the middle of a run costs nobody an attempt, and work goes on within 5 s (%#)",
    async (_title, how, broker, shortMs, env) => {
      const outageMs = isFull ? 60_000 : shortMs;
      // Pictures take most of a run's time, and are not what this is about.
      const noPhotos = instead("no photos", "", { status: 404, match: "/photos/" });
      await using simulators = await startSimulators({ people, faults: { eposh: [noPhotos] } });
      const { hikcentral } = simulators;
      const slow = { kind: "slow", minMs: 10, maxMs: 30 } as const;
      hikcentral.faults.set(slow);
      await using daemon = await startDaemon({ ...environmentOf(simulators), ...env });
      const metrics = async () => parsePrometheus(await (await fetch(`${daemon.url}/metrics`)).text());
      const paused = async () => sumOf(await metrics(), "hikvision_sync_paused", { upstream: "hikcentral" });
      const ready = async () => (await daemon.get("/readyz")).status === 200;
      await until(ready, { what: "the daemon to be ready" });
      const { body } = await daemon.trigger(undefined, { prefer: "respond-async" });
      const done = async () => ((await daemon.get(`/runs/${body.run}`)).body as unknown as RunView).through;
      await until(async () => (await done()) >= people / 3, { timeoutMs: patienceMs, what: "a third to be through" });

      if (how === "refuse") await hikcentral.down();
      else hikcentral.faults.set({ kind: "hang" });
      const goneAt = Date.now();
      const pauses = () => until(async () => (await paused()) > 0, { timeoutMs: patienceMs, what: "a stage to pause" });
      await pauses();
      const pausedMs = Date.now() - goneAt;
      expect((await daemon.get("/readyz")).body).toMatchObject({ ready: false, upstreams: { hikcentral: "down" } });
      await Bun.sleep(Math.max(0, goneAt + outageMs - Date.now()));
      expect(await done()).toBeLessThan(people);
      const backAt = Date.now();
      hikcentral.faults.set(slow);
      if (how === "refuse") await hikcentral.up();

      const isThrough = async () => (await done()) === people;
      await until(isThrough, { timeoutMs: patienceMs, everyMs: 100, what: "everybody to be through" });
      const first = hikcentral.writes.find(({ atMs, code }) => atMs >= backAt && code === "0");
      const backMs = (first?.atMs ?? Number.POSITIVE_INFINITY) - backAt;
      const samples = await metrics();
      const spent = sumOf(samples, "hikvision_sync_attempts_total");
      const dead = sumOf(samples, "hikvision_sync_dead_letters_total");
      if (isFull)
        console.log(
          `${how}, ${broker}: ${people} employees, down ${outageMs} ms, paused after ${pausedMs} ms, first success ${backMs} ms after its return, attempts spent ${spent}, dead letters ${dead}`,
        );
      const charged = daemon.output().match(/^.*again in .*$/gm) ?? [];
      expect({ spent, dead, charged }).toEqual({ spent: 0, dead: 0, charged: [] });
      expect(samples.filter(({ name }) => name === "hikvision_sync_attempts_total").length).toBeGreaterThan(0);
      expect(backMs).toBeLessThanOrEqual(5_000);
      expect((await daemon.get("/dead")).body).toMatchObject({ total: 0 });
      const { persons } = hikcentral.state();
      expect(new Set(persons.map(({ personCode }) => personCode)).size).toBe(people);
      expect(persons.filter(({ kib, groups }) => kib === "" || groups.length === 0)).toEqual([]);
      expect(persons).toHaveLength(people);
      await until(ready, { what: "the daemon to be ready again" });
    },
    3 * patienceMs,
  );
};
