import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../src/cli/output.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { startRabbit } from "../support/rabbitmq.ts";
import { withLatency } from "./latency.ts";
import { measureOriginal, workers as originalWorkers } from "./original.ts";
import { cpuMsOf, type Measured, peakMbOf, runFor, startDaemon } from "./processes.ts";

const concurrency = 4;

const { values: asked } = parseArgs({
  args: process.argv.slice(3),
  options: { people: { type: "string", default: "1543" }, ms: { type: "string", default: "5,30,150" } },
});
const people = Number(asked.people);

/** With what a call took meanwhile. */
type Timed = Measured & { readonly latencyMs: number };

/** The calls of HikCentral by their last word, each person's share. */
const kinds = {
  personInfo: "INFO",
  "single/add": "ADD",
  customFieldsUpdate: "KIB",
  addPersons: "GRANT",
  "person/personList": "LIST",
  "group/single/personList": "MEMBERS",
};

/**
 * New, half-changed and unchanged people, with the daemon as a process of its own, and new ones in the original's way:
 * calls and time a person.
 */
export default async function bench(): Promise<number> {
  await using rabbit = await startRabbit();
  const head = [
    "MS",
    "TOOK",
    "PEOPLE",
    "PER S",
    "OF LIMIT",
    "CPU ms",
    "RSS MB",
    "CALLS",
    ...Object.values(kinds),
    "OTHER",
  ];
  const rows: string[][] = [head];
  for (const ms of asked.ms.split(",").map(Number)) {
    for await (const { what, seconds, cpuMs, peakMb, calls, latencyMs } of sites(ms, rabbit.url)) {
      const all = Object.values(calls).reduce((sum, times) => sum + times, 0);
      const share = (times: number) => (times / people).toFixed(2);
      const of = Object.keys(kinds).map((kind) => sumOf(calls, kind));
      const limit = ((what === "original" ? originalWorkers : concurrency) * 1000) / latencyMs / (all / people);
      const other = all - of.reduce((sum, times) => sum + times, 0);
      const perSecond = people / seconds;
      const figures = [perSecond.toFixed(1), (perSecond / limit).toFixed(2), (cpuMs / people).toFixed(0)];
      rows.push([
        String(ms),
        latencyMs.toFixed(1),
        what,
        ...figures,
        peakMb.toFixed(0),
        ...[all, ...of, other].map(share),
      ]);
    }
  }
  console.log(table(rows));
  console.log(
    `${people} people; CALLS and the columns after it are calls of HikCentral a person, ${concurrency} at a time, and ${originalWorkers} by the original's workers. TOOK are the milliseconds of a call for a client that does nothing else`,
  );
  return 0;
}

const sumOf = (calls: Readonly<Record<string, number>>, end: string) =>
  Object.entries(calls).reduce((sum, [name, times]) => sum + (name.endsWith(`/${end}`) ? times : 0), 0);

async function* sites(ms: number, rabbit: string): AsyncGenerator<Timed> {
  const start = () => startSimulators({ people, faults: { hikcentral: [{ kind: "slow", minMs: ms }] } });
  {
    await using simulators = await start();
    const measure = () => measureOriginal(simulators, rabbit);
    const [measured, latencyMs] = await withLatency(simulators.hikcentral.url, measure);
    yield { ...measured, latencyMs };
  }
  await using simulators = await start();
  yield* site(simulators);
}

async function* site(simulators: Simulators): AsyncGenerator<Timed> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-bench-"));
  const own = { HIKCENTRAL_CONCURRENCY: String(concurrency), STATE_FOLDER: folder };
  try {
    await using daemon = await startDaemon({ ...simulators.env, ...own });
    const measure = async (what: string): Promise<Timed> => {
      const before = { ...simulators.hikcentral.calls };
      const usedMs = await cpuMsOf(daemon.pid);
      const run = () => runFor(people, daemon.url);
      const [seconds, latencyMs] = await withLatency(simulators.hikcentral.url, run);
      const calls = Object.fromEntries(
        Object.entries(simulators.hikcentral.calls).map(([name, times]) => [name, times - (before[name] ?? 0)]),
      );
      const cpuMs = (await cpuMsOf(daemon.pid)) - usedMs;
      return { what, seconds, calls, cpuMs, peakMb: await peakMbOf(daemon.pid), latencyMs };
    };
    yield await measure("new");
    // What this daemon read or wrote within the last minute is not read again: somebody who comes later is measured.
    await Bun.sleep(61_000);
    yield await measure("unchanged");
    await Bun.sleep(61_000);
    for (const employees of simulators.eposh.days.values())
      for (const [at, employee] of employees.entries())
        if (at % 2 === 0) employee.kib_number = `9${employee.kib_number}`;
    yield await measure("half changed");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
