import { refusals } from "../../../src/simulator/hikcentral.ts";
import type { Disk } from "../../support/disk.ts";
import type { RabbitNode } from "../../support/rabbitmq.ts";
import { until } from "../../support/until.ts";
import type { Tap } from "../tap.ts";
import type { Victim } from "../victim.ts";
import type { Spell } from "./upstreams.ts";

/** It stays so until RabbitMQ is started again. */
const seesItGone = (victim: Victim): Promise<boolean> =>
  until(async () => (await victim.get("/readyz")).broker === "connecting", { timeoutMs: 20_000, everyMs: 20 }).catch(
    () => false,
  );

/** kill -9 of RabbitMQ in the moment when messages come back from their retry queues. */
export const brokerKill = (rabbit: RabbitNode): Spell => ({
  name: "broker kill",
  async blow({ simulators: { hikcentral }, victim, tally, dice, moreWork }) {
    await moreWork();
    const waiting = () => victim.said(/\(again in 1?\d00ms\)/);
    const before = waiting();
    hikcentral.faults.set({ ...refusals.busy, times: 12 });
    const come = await until(() => waiting() >= before + 8, { timeoutMs: 15_000, everyMs: 20 }).catch(() => false);
    // The first delay is 100 ms.
    await Bun.sleep(dice.between(40, 120));
    await rabbit.kill();
    const seen = await seesItGone(victim);
    hikcentral.faults.set();
    await rabbit.restart();
    if (!seen) return;
    tally.add("broker kills");
    if (come) tally.add("of them as retry queues came due");
  },
});

/** kill -9 of both at once; the daemon is back long before RabbitMQ is. */
export const killOfBoth = (rabbit: RabbitNode): Spell => ({
  name: "kill of both",
  async blow({ victim, tally, dice, moreWork, killDaemon }) {
    await moreWork();
    await Bun.sleep(dice.between(0, 300));
    const killed = rabbit.kill();
    const hit = await killDaemon().catch(() => false);
    await killed;
    const seen = await seesItGone(victim);
    await rabbit.restart();
    if (!seen) return;
    tally.add("broker kills");
    if (hit) tally.add("of them with the daemon");
  },
});

/** What was published is there, and the daemon never hears so. */
export const confirmsLost = (tap: Tap): Spell => ({
  name: "confirms lost",
  async blow({ tally, dice, moreWork }) {
    for (let [tries, hits] = [0, 0]; tries < 12 && hits < 6; tries++) {
      await moreWork();
      const before = tap.connections;
      tap.cutAtConfirm();
      const isBack = await until(() => tap.connections > before, { timeoutMs: 5_000 }).catch(() => false);
      hits += Number(isBack);
      tally.add("confirms lost", Number(isBack));
      await Bun.sleep(dice.between(0, 200));
    }
  },
});

/** The daemon is not killed meanwhile: what its ledger could not write yet would be lost with it, and is only history. */
export const diskFull = (disk: Disk): Spell => ({
  name: "disk full",
  async blow({ victim, tally, moreWork, dice, unkilled, fetched }) {
    for (let tries = 0, hits = 0; tries < 8 && hits < 4; tries++) {
      await unkilled(async () => {
        // A clean end gives SQLite's log back to the disk: what is written next needs room.
        await victim.stop();
        await victim.start();
        await moreWork();
        const said = () => victim.said(/queue\.db cannot be written/);
        const before = said();
        await disk.fill();
        const seen = await until(() => said() > before, { timeoutMs: 2_000, everyMs: 20 }).catch(() => false);
        await Bun.sleep(dice.between(0, 300));
        await disk.free();
        if (seen) {
          hits++;
          tally.add("disk full");
        }
        await fetched();
      });
    }
  },
});
