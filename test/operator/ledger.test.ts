import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Ledger } from "../../src/ledger/ledger.ts";
import { photosOf } from "../../src/ledger/photos/history.ts";
import { runOf } from "../../src/ledger/runs.ts";
import { migrations } from "../../src/ledger/schema.ts";
import type { Entry } from "../../src/ledger/subjects.ts";
import { funnelOf } from "../../src/ledger/today.ts";
import { traceOf } from "../../src/ledger/trace.ts";
import { migrate } from "../../src/util/migrations.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const days = (count: number) => new Date(Date.UTC(2026, 0, 1) + count * 86_400_000);
const leaves = ["assign-privilege"];
/** Before each message of a run was one row. */
const formerVersion = 11;

test("a daemon that runs for years forgets what is older than keep_days, and nothing younger", async () => {
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
  const kept = () => ["runs", "items", "events", "links", "latest"].map(rowsOf);
  const isTidy = () => Bun.deepEquals(kept(), [2, 4, 0, 2, 1]);
  await until(isTidy, { timeoutMs: 10_000, what: "what is old to be forgotten" }).catch(() => {});
  expect(kept()).toEqual([2, 4, 0, 2, 1]);
  expect(runOf(ledger.rows, "run-250")).toBeUndefined();
  expect(runOf(ledger.rows, "run-350")).toMatchObject({ employees: 1 });
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
  expect(runOf(ledger.rows, "r")).toMatchObject({ run: "r" });
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
  expect(runOf(ledger.rows, "r")).toMatchObject({ status: "fetching", fetched: { done: 1, dead: 0, of: 2 } });
  const failure = { code: "odd", text: "it is" };
  await ledger.record({ ...done, item: "r/1", stage: "induction", outcome: "dead", failure });
  expect(runOf(ledger.rows, "r")).toMatchObject({ status: "done", deadLetters: [{ code: "odd", count: 1 }] });
  for (const outcome of ["replayed", "retry", "done"] as const)
    await ledger.record({ ...done, item: "r/1", stage: "induction", outcome });
  expect(runOf(ledger.rows, "r")).toMatchObject({ fetched: { done: 2, dead: 0 }, deadLetters: [] });
});

test("a run with a limit, which fetches all its dates by one message, counts dates all the same", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  const dates = ["2026-01-01", "2026-01-02", "2026-01-03"];
  ledger.openRun({ id: "r", at: new Date(), dates, tasks: 1, limit: 5 });
  expect(runOf(ledger.rows, "r")).toMatchObject({ fetched: { done: 0, dead: 0, of: 3 } });
  const outcome = { kind: "task", stage: "induction", outcome: "done", attempt: 0 } as const;
  const nobody = { code: undefined, kib: undefined, fetchedAt: undefined };
  await ledger.record({ ...outcome, ...nobody, run: "r", item: "r/0", at: new Date() });
  expect(runOf(ledger.rows, "r")).toMatchObject({ status: "done", fetched: { done: 3, dead: 0, of: 3 } });
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
  const kept = () => runOf(ledger.rows, "r")?.fetched.done === 1;
  await until(kept, { what: "it to be kept" });
});

test("what is noted of a person while nothing can be written is kept later, too", async () => {
  const folder = temporaryFolder();
  using ledger = new Ledger({ folder, keepDays: 90, say: () => {} });
  const photos = photosOf(ledger, { code: "3500003101900001", run: "r", kib: "2600001", fetchedAt: undefined });
  {
    using other = new Database(join(folder, "ledger.db"));
    other.run("begin immediate");
    photos.noteSent("a-mark");
  }
  await until(() => photos.lastSent() === "a-mark", { what: "it to be kept" });
});

test("what is noted in one turn is written to the disk once", async () => {
  const folder = temporaryFolder();
  using ledger = new Ledger({ folder, keepDays: 90, say: () => {} });
  const log = () => statSync(join(folder, "ledger.db-wal")).size;
  const before = log();
  for (let number = 0; number < 200; number++)
    photosOf(ledger, { code: `${3_500_003_101_900_000 + number}` } as never).noteSent("a-mark");
  const isCommitted = () => log() > before;
  await until(isCommitted, { what: "a commit" });
  expect(log() - before).toBeLessThan(200 * 4096);
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
  const view = (run: string) => runOf(ledger.rows, run);

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

test("the numbers of a run, which move as things happen, are those that counting it gives", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  ledger.leaves = ["badge", "terminal"];
  ledger.openRun({ id: "r", at: new Date(), dates: ["2026-01-01"], tasks: 1 });
  const people = Array.from({ length: 40 }, (_, at) => `person ${at}`);
  const stages = ["publisher", "badge", "terminal"];
  const seen = new Map(people.map((item) => [item, new Map<string, Entry["outcome"]>()]));
  const warned = new Set<string>();
  const sentence = fc.record({
    item: fc.constantFrom(...people),
    stage: fc.constantFrom(...stages),
    outcome: fc.constantFrom(
      "done",
      "done",
      "done",
      "ended",
      "retry",
      "dead",
      "replayed",
      "dropped",
      "warning" as const,
    ),
    attempt: fc.constantFrom(0, 0, 1),
  });
  const view = () => {
    const all = [...seen.values()].filter((one) => one.size > 0).map((one) => [...one]);
    const has = (one: (typeof all)[number], ...outcomes: string[]) => one.some(([, how]) => outcomes.includes(how));
    const isDone = (one: (typeof all)[number]) =>
      one.filter(([at, how]) => at !== "publisher" && how === "done").length === 2;
    const dead = all.filter((one) => has(one, "dead")).length;
    const through = all.filter((one) => !has(one, "dead") && (has(one, "ended", "dropped") || isDone(one))).length;
    const atStage: Record<string, Record<string, number>> = {};
    for (const [stage, how] of all.flat())
      atStage[stage] = { ...atStage[stage], [how]: (atStage[stage]?.[how] ?? 0) + 1 };
    const warnings = warned.size > 0 ? [{ code: "odd", count: warned.size, text: "it is" }] : [];
    return { employees: all.length, through, dead, open: all.length - through - dead, stages: atStage, warnings };
  };
  const happened = fc.property(fc.array(sentence, { minLength: 1, maxLength: 60 }), (entries) => {
    for (const { item, stage, outcome, attempt } of entries) {
      const failure = outcome === "done" ? {} : { failure: { code: "odd", text: "it is" } };
      const of = { run: "r", item, kind: "person", code: item, kib: undefined, fetchedAt: undefined } as const;
      void ledger.record({ ...of, stage, outcome, attempt, at: new Date(), ...failure });
      if (outcome === "warning") warned.add(item);
      else seen.get(item)?.set(stage, outcome);
    }
    expect(runOf(ledger.rows, "r")).toMatchObject(view());
  });
  fc.assert(happened, { numRuns: 100 });
});

test("other last stages count the employees of open runs anew, and those of closed ones stay as they were", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  ledger.leaves = leaves;
  const of = { kind: "person", attempt: 0, code: undefined, kib: undefined, fetchedAt: undefined } as const;
  for (const run of ["open", "closed"]) {
    ledger.openRun({ id: run, at: new Date(), dates: [], tasks: 0 });
    await ledger.record({ ...of, run, item: run, stage: "assign-privilege", outcome: "done", at: new Date() });
  }
  ledger.closeRun("closed", "done");
  const through = () => ["open", "closed"].map((run) => runOf(ledger.rows, run)?.through);
  expect(through()).toEqual([1, 1]);
  ledger.leaves = ["apply-access"];
  expect(through()).toEqual([0, 1]);
  ledger.leaves = leaves;
  expect(through()).toEqual([1, 1]);
});

test("who simply went through is one row, and is traced stage by stage", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {} });
  const of = {
    run: "r",
    kind: "person",
    attempt: 0,
    code: "3500003101900001",
    kib: "2600001",
    fetchedAt: undefined,
  } as const;
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 8, 0, seconds));
  const failure = { code: "ended", text: "unchanged" };
  for (const [number, stage] of ["induction", "publisher", "create-person"].entries())
    await ledger.record({ ...of, item: "once", stage, outcome: "done", at: at(number) });
  await ledger.record({ ...of, item: "again", stage: "induction", outcome: "done", at: at(10) });
  await ledger.record({ ...of, item: "again", stage: "publisher", outcome: "ended", at: at(11), failure });
  expect(ledger.rows("select * from events")).toEqual([]);
  const traces = traceOf(ledger, "2600001", (stage) => (stage === "create-person" ? ["update-kib"] : []));
  expect(traces).toEqual(
    traceOf(ledger, "3500003101900001", (stage) => (stage === "create-person" ? ["update-kib"] : [])),
  );
  const step = (number: number, stage: string) => ({
    at: at(number).toISOString(),
    stage,
    outcome: "done",
    attempt: 0,
    kib: "2600001",
  });
  expect(traces).toMatchObject([
    {
      run: "r",
      where: "waiting for update-kib",
      steps: [step(0, "induction"), step(1, "publisher"), step(2, "create-person")],
    },
    {
      run: "r",
      where: "ended at publisher: unchanged",
      steps: [step(10, "induction"), { outcome: "ended", ...failure }],
    },
  ]);
});

test("a ledger of a former version keeps its numbers and its traces", () => {
  const folder = temporaryFolder();
  {
    using old = new Database(join(folder, "ledger.db"), { create: true });
    migrate(old, migrations.slice(0, formerVersion));
    old.run("insert into runs (id, at, dates, tasks) values ('r', '2026-01-01T08:00:00.000Z', '[\"2026-01-01\"]', 1)");
    const events = "insert into events (at, run, item, person, kib, kind, stage, outcome, attempt, code, text)";
    const steps = "insert or replace into steps (run, item, stage, kind, outcome, at, code, text)";
    const happened = (second: number, item: string, stage: string, outcome: string, why: string | null = null) => {
      const at = `2026-01-01T08:00:0${second}.000Z`;
      const [kind, person] = item.startsWith("r/") ? ["task", null] : ["person", `hash of ${item}`];
      old.run(`${events} values (?, 'r', ?, ?, ?, ?, ?, ?, 0, ?, ?)`, [
        at,
        item,
        person,
        person && item,
        kind,
        stage,
        outcome,
        why,
        why,
      ]);
      if (outcome !== "warning")
        old.run(`${steps} values ('r', ?, ?, ?, ?, ?, ?, ?)`, [item, stage, kind, outcome, at, why, why]);
    };
    happened(0, "r/0", "induction", "done");
    for (const item of ["through-through-thr", "dead-dead-dead-dead", "retried-retried-ret"])
      happened(1, item, "induction", "done");
    happened(2, "through-through-thr", "create-person", "warning", "no_photo");
    happened(3, "through-through-thr", "create-person", "done");
    happened(4, "through-through-thr", "assign-privilege", "done");
    happened(5, "dead-dead-dead-dead", "create-person", "dead", "bad_name");
    happened(6, "retried-retried-ret", "create-person", "retry", "busy");
  }
  using ledger = new Ledger({ folder, keepDays: 9_000, say: console.error });
  ledger.leaves = leaves;
  expect(runOf(ledger.rows, "r")).toEqual({
    ...{ run: "r", at: "2026-01-01T08:00:00.000Z", status: "working", part: false, dates: ["2026-01-01"] },
    ...{ fetched: { done: 1, dead: 0, of: 1 }, pages: 0, employees: 3, through: 1, dead: 1, open: 1 },
    stages: {
      induction: { done: 3 },
      "create-person": { dead: 1, done: 1, retry: 1 },
      "assign-privilege": { done: 1 },
    },
    warnings: [{ code: "no_photo", count: 1, text: "no_photo" }],
    deadLetters: [{ code: "bad_name", count: 1, text: "bad_name" }],
  });
  const told = (kib: string) =>
    traceOf(ledger, kib, () => []).map(({ steps }) =>
      steps.map(({ at, stage, outcome }) => [at.slice(18, 19), stage, outcome].join(" ")),
    );
  expect(told("through-through-thr")).toEqual([
    ["1 induction done", "2 create-person warning", "3 create-person done", "4 assign-privilege done"],
  ]);
  expect(told("dead-dead-dead-dead")).toEqual([["1 induction done", "5 create-person dead"]]);
  expect(told("retried-retried-ret")).toEqual([["1 induction done", "6 create-person retry"]]);
});

test("after seven days a closed run is its numbers, and of everybody the newest trace stays", async () => {
  let today = 0;
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error, now: () => days(today) });
  ledger.leaves = leaves;
  const induct = async (run: string, ...people: string[]) => {
    ledger.openRun({ id: run, at: days(today), dates: ["2026-01-01"], tasks: 1 });
    const of = {
      run,
      kind: "person",
      attempt: 0,
      stage: "assign-privilege",
      fetchedAt: undefined,
      at: days(today),
    } as const;
    for (const code of people) await ledger.record({ ...of, item: `${run} ${code}`, code, kib: code, outcome: "done" });
    const failure = { code: "odd", text: "it is" };
    await ledger.record({ ...of, item: `${run} dead`, code: "dead", kib: "dead", outcome: "dead", failure });
    ledger.closeRun(run, "done");
  };
  await induct("first", "Budi", "Siti");
  const before = runOf(ledger.rows, "first");
  today = 8;
  await induct("second", "Budi");
  const runsOf = (kib: string) => traceOf(ledger, kib, () => []).map(({ run }) => run);
  await until(() => runsOf("Budi").length === 1, { what: "the first run to be folded" });
  expect([runsOf("Budi"), runsOf("Siti"), runsOf("dead")]).toEqual([["second"], ["first"], ["first", "second"]]);
  expect(runOf(ledger.rows, "first")).toEqual(before);
  expect(before).toMatchObject({ employees: 3, through: 2, dead: 1 });
});

test("how far the people of a date are moves as things happen to them", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error });
  const date = new Date().toISOString().slice(0, 10);
  let second = 0;
  const happened = (run: string, code: string | undefined, stage: string, more: Partial<Entry> = {}) => {
    const at = new Date(Date.now() - 60_000 + 1_000 * second++);
    const of = {
      run,
      item: `${run} ${code ?? "nobody"}`,
      kind: "person",
      outcome: "done",
      attempt: 0,
      inducted: date,
    } as const;
    return ledger.record({ ...of, code, kib: undefined, stage, at, fetchedAt: at, ...more });
  };
  const warned = (code: string) => ({ outcome: "warning", failure: { code, text: "it is" } }) as const;
  const fetched = (run: string) => happened(run, undefined, "induction", { kind: "task", item: `${run}/0` });
  const funnel = () => Object.values(funnelOf(ledger.rows, date));

  for (const code of ["Budi", "Siti", undefined]) await happened("first", code, "induction");
  await fetched("first");
  expect(funnel()).toEqual([3, 0, 0, 0, 0, 0]);
  for (const code of ["Budi", "Siti"]) await happened("first", code, "create-person");
  expect(funnel()).toEqual([3, 2, 2, 0, 0, 0]);
  await happened("first", "Siti", "create-person", warned("no_photo"));
  await happened("first", "Budi", "face", { kind: "follow", outcome: "retry", item: "follows" });
  expect(funnel()).toEqual([3, 2, 0, 0, 0, 0]);
  for (const code of ["Budi", "Siti"])
    for (const stage of ["update-kib", "assign-privilege"]) await happened("first", code, stage);
  expect(funnel()).toEqual([3, 2, 0, 2, 2, 0]);
  await happened("first", "Budi", "face", { kind: "follow", item: "follows" });
  expect(funnel()).toEqual([3, 2, 1, 2, 2, 1]);

  // A later record of her has a photo, and he is no longer there.
  await happened("second", "Siti", "induction");
  await fetched("second");
  await happened("second", "Siti", "create-person");
  expect(funnel()).toEqual([1, 1, 1, 1, 1, 1]);
  await happened("second", "Siti", "create-person", { ...warned("face_refused"), inducted: "2026-01-01" });
  expect(funnel()).toEqual([1, 1, 0, 1, 1, 0]);
});
