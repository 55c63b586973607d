import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { table } from "../../src/cli/output.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { until } from "../support/until.ts";
import { cpuMsOf, peakMbOf, runFor, startDaemon } from "./processes.ts";

const { values: asked } = parseArgs({
  args: process.argv.slice(3),
  options: {
    people: { type: "string", default: "1543,20000,100000" },
    waiting: { type: "string", default: "200000" },
    dead: { type: "string", default: "5000" },
  },
});
const [waiting, dead] = [Number(asked.waiting), Number(asked.dead)];
const token = "a-token-of-the-bench";
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const asks: Record<string, RequestInit & { path: string }> = {
  status: { path: "/status" },
  "/metrics": { path: "/metrics" },
  trace: { path: "/trace", method: "POST", body: JSON.stringify({ key: "2600001" }) },
};
const rounds = 3;
const chunk = 1_000;

interface Row {
  readonly people: number;
  readonly figures: readonly number[];
}

/** How a run's time, memory and files grow with its people, and how fast a daemon answers while many messages wait. */
export default async function bench(): Promise<number> {
  const rows: Row[] = [];
  for (const people of asked.people.split(",").map(Number)) rows.push({ people, figures: await measure(people) });
  const head = [
    "PEOPLE",
    "SECONDS",
    "CPU s",
    "PEAK MB",
    "FILES MB",
    ...Object.keys(asks).map((name) => `${name} ms`),
    "RESTART ms",
  ];
  console.log(table([head, ...rows.map(({ people, figures }) => [people, ...figures.map(rounded)].map(String))]));
  const [first, last] = [rows.at(0), rows.at(-1)];
  if (first && last && first !== last) {
    const [seconds, cpu] = [0, 1].map((figure) => exponentOf(first, last, figure).toFixed(2));
    console.log(
      `The time of a run grows with the people to the power of ${seconds}, the daemon's CPU to that of ${cpu}`,
    );
  }
  console.log(
    `HikCentral answers at once; the answers and the restart are with ${waiting} messages waiting and ${dead} dead letters, the worst of ${rounds}`,
  );
  return 0;
}

const rounded = (figure: number) => Number(figure.toPrecision(3));
const exponentOf = (first: Row, last: Row, figure: number) =>
  Math.log((last.figures[figure] ?? 0) / (first.figures[figure] ?? 0)) / Math.log(last.people / first.people);

async function measure(people: number): Promise<number[]> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-bench-"));
  try {
    await using simulators = await startSimulators({ people });
    const env = { ...simulators.env, STATE_FOLDER: folder, HTTP_TOKEN: token };
    const figures: number[] = [];
    {
      await using daemon = await startDaemon(env);
      const seconds = await runFor(people, daemon.url, headers);
      figures.push(seconds, (await cpuMsOf(daemon.pid)) / 1000, await peakMbOf(daemon.pid));
    }
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    figures.push(files.reduce((sum, bytes) => sum + bytes, 0) / 1e6);
    await fill(folder);
    // The stage that they wait for is paused by its upstream, as in an outage.
    simulators.hikcentral.faults.set({ kind: "hang", match: "/api/" });
    await using daemon = await startDaemon(env);
    const isIndexed = async () => {
      const metrics = await (await fetch(`${daemon.url}/metrics`, { headers })).text();
      return metrics.includes(`hikvision_sync_cases_open{code="unknown"} ${dead}`);
    };
    if (dead > 0) await until(isIndexed, { timeoutMs: 300_000, everyMs: 500, what: "all dead letters to be known" });
    for (const { path, ...init } of Object.values(asks))
      figures.push(await worst(() => timed(daemon.url + path, init)));
    figures.push(daemon.readyMs);
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Queues with messages of people who are not in HikCentral. */
async function fill(folder: string): Promise<void> {
  await using broker = openSqlite({ file: join(folder, "queue.db") });
  const body = (at: number) =>
    JSON.stringify({
      employee: {
        name: "Budi Contoh",
        identity_number: nikOf(at, "1990-01-31"),
        kib_number: String(5_000_000 + at),
        regionals: [{ name: "Zona I", slug: "zona-i" }],
      },
    });
  const messages = (from: number, count: number) =>
    Array.from({ length: count }, (_, number) => ({ body: body(from + number) }));
  for (let at = 0; at < waiting; at += chunk)
    await broker.publish("hikvision_create_person", messages(at, Math.min(chunk, waiting - at)));
  for (let at = 0; at < dead; at += chunk)
    await broker.publish("hikvision_create_person.dead", messages(waiting + at, Math.min(chunk, dead - at)));
}

async function worst(measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measure());
  return Math.max(...times);
}

async function timed(url: string, init: RequestInit): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(url, { ...init, headers });
  await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return performance.now() - startedAt;
}
