import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";
import { listenAsSystemd } from "../support/systemd.ts";
import { until } from "../support/until.ts";

/** As it is where nobody configures it. */
const callsAtATime = 2;

/** Of calls that began at these times, the share of those that could have been answered in the middle of them. */
function progressOf(begun: readonly number[], slowMs: number): number {
  const middle = begun.slice(Math.floor(begun.length * 0.2), Math.ceil(begun.length * 0.8));
  const elapsedMs = (middle.at(-1) ?? 0) - (middle[0] ?? 0);
  return ((middle.length - 1) * slowMs) / (callsAtATime * elapsedMs);
}

// Side by side: they wait nearly all the time.
test.concurrent.each([
  // More than create-person has in progress: in lock-step none of them would finish for over a minute.
  [40, 2_000, 110_000],
  [4, 10_000, 280_000],
])(
  "%i employees at %i ms a call of HikCentral get through: ready, never stalled, the watchdog fed, nothing charged",
  async (people, slowMs, slowForMs) => {
    const address = `@hikvision-sync-slow-${process.pid}-${slowMs}`;
    using systemd = listenAsSystemd(address);
    await using site = await startSite({
      as: "binary",
      defaults: true,
      people,
      faults: { hikcentral: [{ kind: "slow", minMs: slowMs }] },
      env: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "30000000" },
    });
    const run = await site.begin();
    const begun: number[] = [];
    const notReady: unknown[] = [];
    let lastFedAt = performance.now();
    let longestUnfedMs = 0;
    const slowUntil = performance.now() + slowForMs;
    const isOver = async () => {
      const now = performance.now();
      while (begun.length < (site.hikcentral.faults.seen.slow ?? 0)) begun.push(now);
      for (let heard = systemd.next(); heard; heard = systemd.next()) if (heard.includes("WATCHDOG=1")) lastFedAt = now;
      longestUnfedMs = Math.max(longestUnfedMs, now - lastFedAt);
      const view = await site.readyz();
      if (!view.ready) notReady.push(view);
      return now > slowUntil || (await run.view()).status === "done";
    };
    await until(isOver, { timeoutMs: 290_000, everyMs: 250, what: "the slow time to be over" });
    expect(notReady).toEqual([]);
    expect(site.output()).not.toContain("stalled");
    expect(await site.sum("attempts_total")).toBe(0);
    expect((await site.get("/dead")).body).toMatchObject({ total: 0 });
    expect(longestUnfedMs).toBeLessThan(15_000);
    expect(progressOf(begun, slowMs)).toBeGreaterThan(0.8);
    expect(site.atTheGate()).not.toBeEmpty();
    site.hikcentral.faults.set();
    await run.through();
    expect(site.atTheGate()).toHaveLength(people);
  },
  300_000,
);
