import { expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { sumOf } from "../support/prometheus.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

/** With the shipped defaults: all 1,543 people and a whole minute, or fewer of both. */
export const testOutages = ({ isFull = false } = {}) => {
  const people = isFull ? 1_543 : 60;
  const patienceMs = isFull ? 900_000 : 60_000;
  test.each([
    ["refusing every connection", "refuse", "rabbitmq", 5_000, {}],
    ["hanging without an answer", "hang", "embedded", 10_000, isFull ? {} : { HIKCENTRAL_TIMEOUT: "3s" }],
  ] as const)(
    "HikCentral %s in the middle of a run costs nobody an attempt, and work goes on within 5 s (%#)",
    async (_title, how, broker, shortMs, env) => {
      const outageMs = isFull ? 60_000 : shortMs;
      // Pictures take most of a run's time, and are not what this is about.
      const noPhotos = instead("no photos", "", { status: 404, match: "/photos/" });
      const slow = { kind: "slow", minMs: 10, maxMs: 30 } as const;
      const faults = { eposh: [noPhotos], hikcentral: [slow] };
      await using site = await startSite({ as: "binary", people, faults, broker, env, defaults: true });
      const { hikcentral } = site;
      const paused = () => site.sum("paused", { upstream: "hikcentral" });
      const isReady = async () => (await site.readyz()).ready;
      await until(isReady, { what: "the daemon to be ready" });
      const run = await site.begin();
      const done = async () => (await run.view()).through;
      await until(async () => (await done()) >= people / 3, { timeoutMs: patienceMs, what: "a third to be through" });

      if (how === "refuse") await hikcentral.down();
      else hikcentral.faults.set({ kind: "hang" });
      const goneAt = Date.now();
      const pauses = () => until(async () => (await paused()) > 0, { timeoutMs: patienceMs, what: "a stage to pause" });
      await pauses();
      const pausedMs = Date.now() - goneAt;
      expect(await site.readyz()).toMatchObject({ ready: false, upstreams: { hikcentral: "down" } });
      await Bun.sleep(Math.max(0, goneAt + outageMs - Date.now()));
      expect(await done()).toBeLessThan(people);
      const backAt = Date.now();
      hikcentral.faults.set(slow);
      if (how === "refuse") await hikcentral.up();

      const isThrough = async () => (await done()) === people;
      await until(isThrough, { timeoutMs: patienceMs, everyMs: 100, what: "everybody to be through" });
      const first = hikcentral.writes.find(({ atMs, code }) => atMs >= backAt && code === "0");
      const backMs = (first?.atMs ?? Number.POSITIVE_INFINITY) - backAt;
      const samples = await site.metrics();
      const spent = sumOf(samples, "hikvision_sync_attempts_total");
      const dead = sumOf(samples, "hikvision_sync_dead_letters_total");
      if (isFull)
        console.log(
          `STEP ${how}, ${broker}: ${people} employees, down ${outageMs} ms, paused after ${pausedMs} ms, first success ${backMs} ms after its return, attempts spent ${spent}, dead letters ${dead}`,
        );
      const charged = site.output().match(/^.*again in .*$/gm) ?? [];
      expect({ spent, dead, charged }).toEqual({ spent: 0, dead: 0, charged: [] });
      expect(samples.filter(({ name }) => name === "hikvision_sync_attempts_total").length).toBeGreaterThan(0);
      // Measured by `npm run test:all`; here a busy machine may take two seconds more.
      expect(backMs).toBeLessThanOrEqual(isFull ? 5_000 : 7_000);
      expect((await site.get("/dead")).body).toMatchObject({ total: 0 });
      expect(new Set(site.atTheGate().map(({ personCode }) => personCode)).size).toBe(people);
      expect(hikcentral.state().persons).toHaveLength(people);
      await until(isReady, { what: "the daemon to be ready again" });
    },
    3 * patienceMs,
  );
};
