import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../src/cli/output.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { Entry } from "../../src/ledger/subjects.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { startDaemon } from "./processes.ts";

const { values: asked } = parseArgs({
  args: process.argv.slice(3),
  options: {
    people: { type: "string", default: "100000" },
    runs: { type: "string", default: "50" },
    each: { type: "string", default: "20000" },
    rounds: { type: "string", default: "3" },
  },
});
const token = "a-token-of-the-bench";
const stages = ["induction", "publisher", "create-person", "update-kib", "assign-privilege"];
const pageSize = 100;

/** The ledger's size, what writing it costs, and how long it takes to answer from it while nothing else happens. */
export default async function bench(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-bench-"));
  try {
    await fill(folder);
    await ask(folder);
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fill(folder: string): Promise<void> {
  using ledger = new Ledger({ folder, keepDays: 90, say: console.error });
  ledger.leaves = ["assign-privilege"];
  const rows: string[][] = [["RUN", "PEOPLE", "us CPU A PERSON", "KB A PERSON AND RUN"]];
  const measure = async (what: string, people: number, work: () => Promise<void>) => {
    const before = sizeOf(ledger);
    const cpu = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    const kilobytes = (sizeOf(ledger) - before) / 1024;
    rows.push([what, String(people), ((user + system) / people).toFixed(0), (kilobytes / people).toFixed(2)]);
  };
  const [people, runs, each] = [asked.people, asked.runs, asked.each].map(Number) as [number, number, number];
  await measure("new people, without what is known of their persons", people, () => induct(ledger, "large", people));
  for (let run = 0; run < runs; run++) {
    const work = () => induct(ledger, `run-${run}`, each);
    if (run === 0 || run === runs - 1) await measure(`run ${run + 1} of the same people`, each, work);
    else await work();
  }
  console.log(table(rows));
}

const sizeOf = ({ rows }: Ledger): number =>
  rows<{ n: number }>("select page_count * page_size n from pragma_page_count(), pragma_page_size()")[0]?.n ?? 0;

/** All of them, page by page and stage by stage, as the pipeline does. */
async function induct(ledger: Ledger, run: string, people: number): Promise<void> {
  const at = ledger.now();
  const inducted = at.toISOString().slice(0, 10);
  const of = (kind: Entry["kind"], item: string, stage: string): Entry => {
    const end = { warned: [], notFollowed: [], goesOn: [] };
    return {
      ...{ run, item, kind, stage, outcome: "done", attempt: 0, end, inducted, fetchedAt: at },
      ...{ at: ledger.now(), code: undefined, kib: undefined },
    };
  };
  ledger.openRun({ id: run, at, dates: [inducted], tasks: 1 });
  for (let page = 0; page < people / pageSize; page++) {
    await ledger.record(of("page", `${run}/0/${page}`, "induction"), of("page", `${run}/0/${page}`, "publisher"));
    for (const stage of stages)
      await ledger.record(
        ...Array.from({ length: Math.min(pageSize, people - page * pageSize) }, (_, number): Entry => {
          const kib = String(2_600_000 + page * pageSize + number);
          const code = `350000310${kib}`;
          const entry = { ...of("person", `${run} ${code}`, stage), kib, code, record: `${code}.${kib}`, name: kib };
          return { ...entry, isThrough: stage === "assign-privilege", ...(stage === "publisher" && { mark: code }) };
        }),
      );
  }
  await ledger.record(of("task", `${run}/0`, "induction"));
}

/** Of a daemon over this folder: the time of each answer, and how long /livez waited meanwhile. */
async function ask(folder: string): Promise<void> {
  await using simulators = await startSimulators({ people: 1 });
  await using daemon = await startDaemon({ ...simulators.env, STATE_FOLDER: folder, HTTP_TOKEN: token });
  const { url, readyMs } = daemon;
  console.log(`ready after ${readyMs.toFixed(0)} ms`);
  const form = new URLSearchParams({ name: "bench", token });
  const login = await fetch(`${url}/ui/login`, { method: "POST", body: form, redirect: "manual" });
  const headers = { authorization: `Bearer ${token}`, cookie: login.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
  const paths = ["/livez", "/metrics", "/status", "/runs", "/runs/large", "/ui/", "/ui/runs", "/ui/runs/large"];
  const rows = [["PATH", "ms", "LOOP WAITED ms"]];
  for (const path of paths) {
    const times: { ms: number; waitedMs: number }[] = [];
    for (let round = 0; round < Number(asked.rounds); round++) times.push(await timed(url, path, headers));
    const worst = (which: "ms" | "waitedMs") => Math.max(...times.map((one) => one[which])).toFixed(0);
    rows.push([path, worst("ms"), worst("waitedMs")]);
  }
  console.log(table(rows));
}

async function timed(url: string, path: string, headers: Record<string, string>) {
  const state = { isOver: false, waitedMs: 0 };
  const watch = async () => {
    while (!state.isOver) {
      const at = performance.now();
      await (await fetch(`${url}/livez`)).text();
      state.waitedMs = Math.max(state.waitedMs, performance.now() - at);
      await Bun.sleep(2);
    }
  };
  const watching = watch();
  await Bun.sleep(20);
  const at = performance.now();
  const answer = await fetch(url + path, { headers });
  await answer.text();
  const ms = performance.now() - at;
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  await Bun.sleep(20);
  state.isOver = true;
  await watching;
  return { ms, waitedMs: state.waitedMs };
}
