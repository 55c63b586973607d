import { employee } from "../../src/simulator/people.ts";
import { randomFrom } from "../../src/simulator/server.ts";
import { type Simulators, startSimulators } from "../../src/simulator/simulators.ts";
import type { RabbitNode } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { addBadPeople, faultsLeft, lettersLeft, untilThrough } from "./after.ts";
import type { Disk } from "./disk.ts";
import { Dice, type Tally } from "./tally.ts";
import { Victim } from "./victim.ts";
import { brokerKill, diskFull, eposhFaults, type Spell, spells, tallyEposh } from "./weather.ts";

export interface Site {
  simulators: Simulators;
  victim: Victim;
  tally: Tally;
  dice: Dice;
  /** Where nothing is left to do, new people are inducted and a run is begun. */
  moreWork(): Promise<void>;
  /** Resolves once the last run has fetched all of its dates. */
  fetched(): Promise<void>;
  /** kill -9, and starts it again. */
  killDaemon(): Promise<void>;
}

export interface StormOptions {
  seed: number;
  tally: Tally;
  /** A node of its own and a virtual host on it; the embedded queue where it is missing. */
  rabbit?: { node: RabbitNode; url: string };
  disk?: Disk | undefined;
}

const killsPerStorm = 4;

/** One daemon, one seed, every kind of fault; resolves with what it ever said once all is as it must be. */
export async function storm({ seed, tally, rabbit, disk }: StormOptions): Promise<string> {
  const dice = new Dice(randomFrom(seed));
  await using simulators = await startSimulators({ people: dice.between(60, 120), seed });
  addBadPeople(simulators);
  simulators.eposh.faults.set(...eposhFaults);
  await using victim = new Victim({
    simulators,
    ...(rabbit && { brokerUrl: rabbit.url }),
    ...(disk && { folder: disk.folder, enter: disk.enter }),
  });
  await victim.start();
  const runs: { id: string; people: number }[] = [];
  const everybody = () => [...simulators.eposh.days.values()].flat().length;
  const trigger = async () => {
    const people = everybody();
    runs.push({ id: await victim.trigger(), people });
  };

  const status = async () => String((await victim.get(`/runs/${runs.at(-1)?.id}`)).status);

  let turn = Promise.resolve();
  let newcomers = 50_000;
  const site: Site = {
    simulators,
    victim,
    tally,
    dice,
    async fetched() {
      await until(async () => (await status()) !== "fetching", { timeoutMs: 30_000, everyMs: 50 });
    },
    async moreWork() {
      if ((await until(status, { timeoutMs: 30_000, everyMs: 50 })) !== "done") return;
      const day = simulators.eposh.days.get("2026-01-15");
      for (let count = 0; count < 20; count++) {
        const number = newcomers++;
        day?.push(employee(number, seed, `${simulators.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`));
      }
      await trigger();
    },
    killDaemon() {
      const kill = async () => {
        const { waiting } = await workOf(victim);
        await victim.kill();
        await victim.start();
        if (waiting > 0) tally.add("daemon kills");
      };
      turn = turn.then(kill);
      return turn;
    },
  };

  const own: Spell[] = [
    ...(rabbit ? [brokerKill(rabbit.node, seed % 2 === 0)] : []),
    ...(disk ? [diskFull(disk)] : []),
  ];
  await trigger();
  const blown = (async () => {
    for (const spell of dice.shuffled([...spells, ...own])) await spell.blow(site);
  })();
  for (let kills = 0; kills < killsPerStorm; kills++) {
    await Bun.sleep(dice.between(200, 4_000));
    await site.killDaemon();
  }
  await blown;
  for (const [kind, times] of tallyEposh(simulators.eposh)) tally.add(kind, times);

  for (const { id } of runs) await untilThrough(victim, id);
  // What was in hand at three kills is a dead letter by right, whatever killed it; a human would replay it.
  const crashed = await victim.post("/dead/replay", { code: "crashed_daemon" });
  tally.add("innocents replayed", Number(crashed.replayed ?? 0));
  const problems: string[] = [];
  for (const { id, people } of runs) {
    const view = await untilThrough(victim, id);
    problems.push(...(await lettersLeft(victim, view, people)));
  }
  problems.push(...(await faultsLeft(simulators)));
  const exit = await victim.stop();
  if (exit !== 0) problems.push(`the daemon ended with ${exit}`);
  if (problems.length > 0) throw new Error([`seed ${seed}:`, ...problems].join("\n"));
  return victim.output.join("\n");
}

async function workOf(victim: Victim): Promise<{ waiting: number }> {
  const { stages } = (await victim.get("/readyz").catch(() => ({ stages: [] }))) as {
    stages: { waiting: number | null; inHand: number }[];
  };
  return { waiting: stages.reduce((sum, { waiting, inHand }) => sum + (waiting ?? 0) + inHand, 0) };
}
