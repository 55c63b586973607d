import type { RunView } from "../../src/ledger/runs.ts";
import { randomFrom } from "../../src/simulator/fault-server.ts";
import { employee } from "../../src/simulator/people.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import type { Disk } from "../support/disk.ts";
import { placeOnRabbit, type RabbitNode } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { addBadPeople, countsOf, faultsLeft, isBad, lettersLeft, type Run, untilThrough } from "./after.ts";
import { comparedThroughLies } from "./comparison.ts";
import { portraitOf } from "./faces.ts";
import { Dice, type Tally } from "./tally.ts";
import { startTap, type Tap } from "./tap.ts";
import { Victim } from "./victim.ts";
import { batches, listOfPersons, listsOfMembers } from "./weather/bulk.ts";
import { brokerKill, confirmsLost, diskFull, killOfBoth } from "./weather/storage.ts";
import { eposhFaults, type Spell, spells, tallyEposh } from "./weather/upstreams.ts";

export interface Storm {
  seed: number;
  simulators: Simulators;
  victim: Victim;
  tally: Tally;
  dice: Dice;
  /** Where nothing is left to do, new people are inducted, and a run of them and of three further dates is begun. */
  moreWork(): Promise<void>;
  /** Resolves once the last run has fetched all of its dates. */
  fetched(): Promise<void>;
  /** Whether nothing is left to do for the last run. */
  isThrough(): Promise<boolean>;
  /** kill -9, and starts it again; true where a run was not through. */
  killDaemon(): Promise<boolean>;
  /** Does something while the daemon is not killed. */
  unkilled<T>(work: () => Promise<T>): Promise<T>;
}

export interface StormOptions {
  seed: number;
  tally: Tally;
  /** The embedded queue where it is missing. */
  rabbit?: RabbitNode;
  queueType?: "classic" | "quorum" | undefined;
  disk?: Disk | undefined;
}

const kills = { least: 3, most: 5 };

/** One daemon, one seed, every kind of fault; resolves with what it ever said once all is as it must be. */
export async function runStorm({ seed, tally, rabbit, queueType, disk }: StormOptions): Promise<string> {
  const dice = new Dice(randomFrom(seed));
  const people = dice.between(60, 80);
  await using simulators = await startSimulators({ people, seed, portrait: portraitOf, maxPageSize: 20 });
  addBadPeople(simulators);
  simulators.eposh.faults.set(...eposhFaults);
  await using place = rabbit && (await placeOnRabbit(rabbit));
  await using tap = place && (await startTap(place.url));
  await using victim = await Victim.start({ simulators, broker: tap?.url, queueType, disk });
  const runs: Run[] = [];
  const dates = [...simulators.eposh.days.keys()];
  const trigger = async (those: readonly string[]) => {
    const employees = those.flatMap((date) => simulators.eposh.days.get(date) ?? []);
    const id = await victim.trigger({ from: those[0], to: those.at(-1) });
    runs.push({ id, people: employees.length, bad: employees.filter(isBad).length });
  };
  const status = async () => ((await victim.get(`/runs/${runs.at(-1)?.id}`)) as unknown as RunView).status;

  let turn: Promise<unknown> = Promise.resolve();
  let newcomers = 50_000;
  const storm: Storm = {
    seed,
    simulators,
    victim,
    tally,
    dice,
    async fetched() {
      await until(async () => (await status()) !== "fetching", { timeoutMs: 120_000, everyMs: 100 });
    },
    isThrough: async () => (await status()) === "done",
    async moreWork() {
      if ((await until(status, { timeoutMs: 120_000, everyMs: 100 })) !== "done") return;
      const at = dice.between(0, dates.length - 4);
      const [date = "", ...more] = dates.slice(at, at + 4);
      for (let count = 0; count < 20; count++) {
        const number = newcomers++;
        const link = `${simulators.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`;
        simulators.eposh.days.get(date)?.push(employee(number, seed, link));
      }
      await trigger([date, ...more]);
    },
    unkilled(work) {
      const done = turn.then(work);
      turn = done.catch(() => {});
      return done;
    },
    killDaemon: () =>
      storm.unkilled(async () => {
        const hit = (await status()) !== "done";
        await victim.kill();
        await victim.start();
        if (hit) tally.add("daemon kills");
        return hit;
      }),
  };

  const ofMany = [listOfPersons, listsOfMembers, batches];
  const ofItsBroker: Spell[] = [
    ...(rabbit && tap ? [brokerKill(rabbit), killOfBoth(rabbit), confirmsLost(tap)] : []),
    ...(disk ? [diskFull(disk)] : []),
  ];
  await trigger(dates);
  let isOver = false;
  const blown = (async () => {
    for (const spell of dice.shuffled([...spells, ...ofMany, ...ofItsBroker])) await spell.blow(storm);
  })().finally(() => {
    isOver = true;
  });
  const goesOn = async () => !isOver || (await status().catch(() => "away")) !== "done";
  const killed = (async () => {
    for (let times = 0; times < kills.least || (times < kills.most && (await goesOn())); times++) {
      await Bun.sleep(dice.between(200, 3_000));
      await storm.killDaemon();
    }
  })();
  await Promise.all([blown, killed]);
  await until(storm.isThrough, { timeoutMs: 120_000, everyMs: 50 });
  await trigger(dates);

  for (const { id } of runs) await untilThrough(victim, id);
  tallyEposh(storm);
  // What was in hand at three kills is a dead letter by right, whatever killed it; a human would replay it, also what
  // seems to be fetched days ago because the clock was wrong then.
  const crashed = await victim.post("/dead/replay", { code: "crashed_daemon", stale: true });
  tally.add("innocents replayed", Number(crashed.replayed ?? 0));
  const problems: string[] = [];
  let found = 0;
  for (const run of runs) {
    const view = await untilThrough(victim, run.id);
    found += view.dead;
    problems.push(...(await lettersLeft(victim, view, run)));
  }
  problems.push(...faultsLeft(simulators), ...(await comparedThroughLies(storm)));
  // Nobody did in any storm.
  const takenAway = victim.said(/was taken out of privilege group/);
  if (takenAway > 0) problems.push(`${takenAway} times somebody's access was thought to be taken away`);
  tally.storms.push({ seed, ...countsOf(simulators), expected: runs.reduce((sum, { bad }) => sum + bad, 0), found });
  await victim.showAll(String(simulators.eposh.days.get("2026-01-11")?.[0]?.identity_number));
  const exit = await victim.stop();
  if (exit !== 0) problems.push(`the daemon ended with ${exit}`);
  if (tap) problems.push(...earlyAcknowledgements(tap, tally));
  if (problems.length > 0) throw new Error([`seed ${seed}:`, ...problems].join("\n"));
  return victim.output.join("\n");
}

/** Of the embedded queue none can come too early: an acknowledgement is written in or after its successor's commit. */
function earlyAcknowledgements({ acknowledged, tooEarly }: Tap, tally: Tally): string[] {
  const all = Object.values(acknowledged).reduce((sum, count) => sum + count, 0);
  tally.add("acknowledgements heard", all);
  const queues = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];
  const unheard = queues.filter((queue) => acknowledged[queue] === undefined);
  return [
    ...unheard.map((queue) => `no acknowledgement of ${queue} was heard`),
    ...tooEarly.map((one) => `acknowledged before its successor was confirmed: ${one}`),
  ];
}
