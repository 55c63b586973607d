import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ledger } from "../../src/ledger/ledger.ts";
import { photosOf } from "../../src/ledger/photo-history.ts";
import { runOf, runsOf } from "../../src/ledger/runs.ts";
import type { Entry } from "../../src/ledger/subjects.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const days = (count: number) => new Date(Date.UTC(2026, 0, 1) + count * 86_400_000);
const leaves = ["assign-privilege"];

test("a daemon that runs for years forgets what is older than keep_days, and nothing younger", () => {
  let today = 0;
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {}, now: () => days(today) });
  const induct = (run: string) => {
    ledger.openRun({ id: run, at: days(today), dates: ["2026-01-01"], tasks: 1 });
    const entry: Entry = {
      run,
      item: run,
      kind: "person",
      stage: "create-person",
      outcome: "done",
      at: days(today),
      attempt: 0,
      code: "3500003101900001",
      kib: "2600001",
      fetchedAt: days(today),
    };
    void ledger.record(entry, { ...entry, run: undefined, item: `stranger of ${run}` });
    photosOf(ledger, entry).sharedWith(`https://photos.test/${run}.png`);
  };
  const rowsOf = (table: string) => ledger.rows<{ n: number }>(`select count(*) n from ${table}`)[0]?.n;
  for (today = 0; today <= 400; today += 50) induct(`run-${today}`);
  expect(["runs", "steps", "events", "links", "latest"].map(rowsOf)).toEqual([2, 4, 4, 2, 1]);
  expect(runOf(ledger.rows, "run-250", leaves)).toBeUndefined();
  expect(runOf(ledger.rows, "run-350", leaves)).toMatchObject({ employees: 1 });
});

test.each([
  ["damaged", (file: string) => writeFileSync(file, "not a database, and longer than its header would be")],
  [
    "a newer version's",
    (file: string) => void new Database(file).run("create table runs (x); pragma user_version = 99"),
  ],
])("a ledger that is %s is moved aside in words, and a new one begun", (_, spoil) => {
  const folder = temporaryFolder();
  spoil(join(folder, "ledger.db"));
  const said: string[] = [];
  using ledger = new Ledger({ folder, keepDays: 90, say: (text) => said.push(text) });
  ledger.openRun({ id: "r", at: new Date(), dates: ["2026-01-01"], tasks: 1 });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ run: "r" });
  expect(said).toEqual([
    expect.stringMatching(/^ledger\.db cannot be read .* moved to .*: its history is lost, no emp/),
  ]);
  expect(readdirSync(folder).filter((name) => /^ledger\.db\.damaged-\d+$/.test(name))).toHaveLength(1);
});

test("what is not a date of a run does not count as one, and a retry that later succeeds is done", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  ledger.openRun({ id: "r", at: new Date(), dates: ["2026-01-01", "2026-01-02"], tasks: 2 });
  const base = { run: "r", kind: "task", at: new Date(), attempt: 0, code: undefined, kib: undefined } as const;
  const done = { ...base, outcome: "done", fetchedAt: undefined } as const;
  await ledger.record({ ...done, item: "r/0", stage: "induction" }, { ...done, item: "r/0/7", stage: "a-plugin" });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ status: "fetching", fetched: { done: 1, dead: 0, of: 2 } });
  const failure = { code: "odd", text: "it is" };
  await ledger.record({ ...done, item: "r/1", stage: "induction", outcome: "dead", failure });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ status: "done", deadLetters: [{ code: "odd", count: 1 }] });
  for (const outcome of ["replayed", "retry", "done"] as const)
    await ledger.record({ ...done, item: "r/1", stage: "induction", outcome });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ fetched: { done: 2, dead: 0 }, deadLetters: [] });
});

test("a run with a limit, which fetches all its dates by one message, counts dates all the same", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  const dates = ["2026-01-01", "2026-01-02", "2026-01-03"];
  ledger.openRun({ id: "r", at: new Date(), dates, tasks: 1, limit: 5 });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ fetched: { done: 0, dead: 0, of: 3 } });
  const outcome = { kind: "task", stage: "induction", outcome: "done", attempt: 0 } as const;
  const nobody = { code: undefined, kib: undefined, fetchedAt: undefined };
  await ledger.record({ ...outcome, ...nobody, run: "r", item: "r/0", at: new Date() });
  expect(runOf(ledger.rows, "r", leaves)).toMatchObject({ status: "done", fetched: { done: 3, dead: 0, of: 3 } });
});

test("what cannot be written for a while is kept later, and nobody waits for it", async () => {
  const folder = temporaryFolder();
  const said: string[] = [];
  using ledger = new Ledger({ folder, keepDays: 90, say: (text) => void said.push(text) });
  ledger.openRun({ id: "r", at: new Date(), dates: ["2026-01-01"], tasks: 1 });
  {
    // SQLite says the same of a lock that it says of a full disk: not now.
    using other = new Database(join(folder, "ledger.db"));
    other.run("begin immediate");
    const done = { run: "r", outcome: "done", at: new Date(), attempt: 0, code: undefined, kib: undefined } as const;
    await ledger.record({ ...done, item: "r/0", kind: "task", stage: "induction", fetchedAt: undefined });
    expect(said).toEqual([expect.stringContaining("ledger.db cannot be used")]);
  }
  const kept = () => runOf(ledger.rows, "r", leaves)?.fetched.done === 1;
  await until(kept, { what: "it to be kept" });
});

test("a page that dies is as many dead employees, and they are through once it is replayed or dropped", async () => {
  await using site = await startSite();
  const { ledger, broker } = site.daemon;
  const employees = [1, 2, 3].map((at) =>
    budi(site, { kib_number: `260000${at}`, identity_number: `350000310190000${at}` }),
  );
  const send = (queue: string, run: string, pagination: object) => {
    ledger.openRun({ id: run, at: new Date(), dates: [], tasks: 0 });
    const body = JSON.stringify({ event: "HIKVISION_SYNC", data: { data: employees, pagination } });
    return broker.publish(queue, [{ body, headers: { "hs-id": `${run}/0/0`, "hs-run": run } }]);
  };
  const ask = (what: string, run: string) =>
    site.fetch(`/dead/${what}`, { method: "POST", body: JSON.stringify({ run }) }).then((answer) => answer.json());
  const view = (run: string) => runOf(ledger.rows, run, leaves);

  await send("hikvision_queue", "broken", {});
  await until(() => view("broken")?.dead === 3, { what: "the page to be a dead letter" });
  expect(view("broken")).toMatchObject({
    through: 0,
    dead: 3,
    open: 0,
    pages: 1,
    deadLetters: [{ code: "bad_message", count: 3 }],
  });
  expect(await ask("drop", "broken")).toMatchObject({ dropped: 1 });
  expect(view("broken")).toMatchObject({ through: 3, dead: 0, deadLetters: [] });

  await send("hikvision_queue.dead", "whole", { current_page: 1, last_page: 1, total: 3 });
  expect(await ask("replay", "whole")).toMatchObject({ replayed: 1 });
  const isThrough = () => view("whole")?.stages["assign-privilege"]?.done === 3;
  await until(isThrough, { what: "all to be through" });
  expect(view("whole")).toMatchObject({ status: "done", employees: 3, through: 3, dead: 0, pages: 1 });
});

test("whoever lists many runs holds nobody up: each run is counted in a turn of its own", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  for (let run = 0; run < 20; run++) ledger.openRun({ id: `run-${run}`, at: new Date(), dates: [], tasks: 1 });
  let [turns, over] = [0, false];
  const turn = () => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  expect(await runsOf(ledger.rows, leaves)).toHaveLength(20);
  over = true;
  expect(turns).toBeGreaterThanOrEqual(19);
});
