import { expect, test } from "bun:test";
import { chownSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import { employee, nikOf } from "../../src/simulator/people.ts";
import { run } from "../support/binary.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const firstNik = String(employee(1, 0, "").identity_number);

const resting = (people: number) => startSite({ as: "binary", people, start: false });

test("status is ready or not, by its exit code, and no command makes a folder", async () => {
  await using site = await resting(8);
  const before = await site.cli("status");
  expect(before).toMatchObject({ exit: 69, out: "" });
  expect(before.err).toContain("no daemon answers");
  const elsewhere = join(site.folder, "not-there");
  expect((await run("dead list", { STATE_FOLDER: elsewhere })).exit).toBe(69);
  expect(await Bun.file(join(elsewhere, "lock")).exists()).toBe(false);

  await site.start();
  await until(async () => (await site.readyz()).ready, { what: "the daemon to be ready" });
  const { exit, out } = await site.cli("status");
  expect(exit).toBe(0);
  expect(out).toContain("eposh: not asked yet");
  // The sentence of the page, which anybody on the machine may read.
  const [, heading = ""] = /<h1[^>]*>(.*?)<\/h1>/.exec(await (await fetch(`${site.url}/ui/`)).text()) ?? [];
  expect(heading).toStartWith("Working · ");
  expect(out.split("\n").slice(0, 2)).toEqual(["ready", heading]);
  const { run: id } = await site.induct();
  const status = (await site.cli("status --json")).json();
  expect(status).toMatchObject({ ready: true, deadLetters: { total: 0, groups: [] }, lastRun: { run: id } });
  expect(status.upstreams).toContainEqual({ name: "hikcentral", state: "up", since: null });
  expect(status.queues).toContainEqual({ queue: "hikvision_update_kib", ready: 0, consumers: 1 });

  await site.hikcentral.down();
  // Those of the first run are known, and nobody would ask HikCentral for them.
  const employed = budi(site, { identity_number: nikOf(900, "1990-01-31"), kib_number: "9300001" });
  site.eposh.days.get("2026-01-01")?.push(employed);
  await site.trigger({ from: "2026-01-01", to: "2026-01-01" });
  await until(async () => (await site.readyz()).upstreams.hikcentral === "down", { what: "the outage" });
  const down = await site.cli("status");
  expect(down).toMatchObject({ exit: 69, out: expect.stringContaining("hikcentral: down since") });
  await site.stop();
  const after = await site.cli("status");
  expect(after).toMatchObject({ exit: 69, out: expect.stringContaining("no daemon runs") });
  expect(after.err).toBe(`no daemon answers; reading the saved state in ${site.folder} and the embedded queue\n`);
});

test("a paused stage stays so across a restart, shows why, loses nothing and goes on at once", async () => {
  const people = 24;
  await using site = await resting(people);
  await site.start();
  expect((await site.cli("pause nonsense")).exit).toBe(1);
  expect((await site.cli("pause update-kib")).exit).toBe(0);
  expect((await site.get("/readyz")).status).toBe(503);
  await site.trigger();
  await site.stop();

  await site.start();
  await until(async () => (await site.stage("update-kib"))?.waiting === people, { what: "all to wait there" });
  const { out } = await site.cli("status");
  expect(out).toMatch(new RegExp(`hikvision_update_kib +${people} `));
  expect(out).toMatch(/update-kib: paused since .*: an operator paused the stage/);
  expect((await site.cli("trace 2600001")).out).toContain(": waiting for update-kib\n");
  // What cannot be kept, e.g. on a full disk, is not done, and can be said again.
  mkdirSync(join(site.folder, "paused.json.new"));
  expect(await site.cli("resume update-kib")).toMatchObject({ exit: 1, err: expect.stringContaining("paused.json") });
  rmdirSync(join(site.folder, "paused.json.new"));
  expect((await site.cli("resume update-kib")).exit).toBe(0);
  const lastRun = async () => ((await site.get("/status")).body.lastRun as { status: string }).status;
  await until(async () => (await lastRun()) === "done", { what: "the run to be through" });
  await until(async () => (await site.readyz()).ready, { what: "the daemon to be ready" });
  expect((await site.cli("status")).exit).toBe(0);
  expect((await site.cli("resume update-kib")).exit).toBe(1);
  await site.stop();

  expect((await site.cli("pause publisher")).err).toContain("no daemon answers");
  await site.start();
  expect((await site.cli("status")).out).toContain("publisher: paused");
  await site.stop();
});

test.skipIf(process.getuid?.() !== 0)(
  "what root says while no daemon runs leaves the folder to the user of the service",
  async () => {
    await using site = await resting(0);
    await site.start();
    await site.stop();
    const files = () => readdirSync(site.folder).map((name) => join(site.folder, name));
    const somebody = 65_534;
    for (const path of [site.folder, ...files()]) chownSync(path, somebody, somebody);
    expect(await site.cli("pause publisher")).toMatchObject({ exit: 0 });
    expect(await site.cli("status")).toMatchObject({ exit: 69, out: expect.stringContaining("publisher: paused") });
    expect(files()).toContain(join(site.folder, "paused.json"));
    for (const path of files()) expect({ path, uid: statSync(path).uid }).toEqual({ path, uid: somebody });
  },
);

test("a daemon that answers nothing is said, and not waited for for ever", async () => {
  await using site = await resting(0);
  await site.start();
  process.kill(site.pid, "SIGSTOP");
  const { exit, err } = await site.cli("status");
  process.kill(site.pid, "SIGCONT");
  expect({ exit, err }).toEqual({ exit: 69, err: expect.stringMatching(/does not answer within \d+ s/) });
  await site.stop();
});

test("an employee is found by KIB and by NIK, with every attempt, and the NIK is never printed", async () => {
  await using site = await resting(20);
  const busy = {
    kind: "answer",
    body: '{"code":"0x00052102","msg":"busy"}',
    match: "person/single/add",
    times: 1,
  } as const;
  site.hikcentral.faults.set(busy);
  await site.start();
  await site.induct({ from: "2026-01-01", to: "2026-01-19", kib: ["2600001"] });
  const [journey] = (await site.cli("trace 2600001 --json")).json().journeys;
  expect(journey.where).toContain("through");
  expect(journey.steps.map(({ stage, outcome }: Record<string, string>) => `${stage} ${outcome}`)).toEqual([
    "induction done",
    "publisher done",
    "create-person retry",
    "create-person done",
    "update-kib done",
    "assign-privilege done",
  ]);
  const byNik = await site.cli(["trace", firstNik]);
  expect(byNik.out).toBe((await site.cli("trace 2600001")).out);
  expect(byNik.out).toContain("attempt 2");
  expect(await site.cli("trace 3500000000999999")).toMatchObject({ exit: 1, out: "" });
  await site.stop();
  expect((await site.cli(["trace", firstNik])).out).toBe(byNik.out);
  expect(`${site.printed}${site.output()}`).not.toMatch(/\d{16}/);
});

test("what is left of a cancelled run ends, what is done stays, and another run may begin", async () => {
  const people = 24;
  await using site = await resting(people);
  await site.start();
  await site.cli("pause update-kib");
  const { body } = await site.trigger(undefined, { prefer: "respond-async" });
  const id = String(body.run);
  const at = async (stage: string) => ((await site.get(`/runs/${id}`)).body as unknown as RunView).stages[stage];
  await until(async () => (await at("create-person"))?.done === people, { what: "all to be persons" });
  expect((await site.cli("runs cancel nonsense")).exit).toBe(1);
  expect((await site.cli(["runs", "cancel", id])).exit).toBe(0);
  await site.stop();

  await site.start();
  await site.cli("resume update-kib");
  await until(async () => (await at("update-kib"))?.ended === people, { what: "the rest to end" });
  const view = (await site.cli(["runs", id, "--json"])).json();
  expect(view).toMatchObject({ status: "cancelled", employees: people, through: people, deadLetters: [] });
  expect(site.hikcentral.state().persons).toHaveLength(people);
  expect(site.hikcentral.writes.filter(({ call }) => !call.endsWith("person/single/add"))).toEqual([]);
  expect((await site.cli("trace 2600001")).out).toContain("ended at update-kib: cancelled");
  expect((await site.induct()).stages["assign-privilege"]).toEqual({ done: people });
  expect((await site.cli("runs")).out).toMatch(/ done .*24\/24[\s\S]* cancelled /);
  await site.stop();
});

test("a dead letter whose stage no longer exists is listed, shown with what to do, and dropped, and a replay says so", async () => {
  await using site = await resting(0);
  const letter = {
    body: JSON.stringify({ employee: { name: "Budi Contoh", identity_number: firstNik, kib_number: "2600001" } }),
    headers: {
      "hs-failure": JSON.stringify([{ at: "2026-01-01T00:00:00Z", stage: "former", code: "bad_name", text: "it" }]),
    },
  };
  {
    await using queue = openSqlite({ file: join(site.folder, "queue.db") });
    await queue.declare(["hikvision_former.dead"]);
    await queue.publish("hikvision_former.dead", [letter]);
  }
  writeFileSync(join(site.folder, "queues.json"), '["hikvision_former","hikvision_former.dead"]');
  await site.start();
  const [group] = (await site.cli("dead list --json")).json().groups;
  expect(group).toMatchObject({ stage: "former", code: "bad_name", count: 1 });
  const shown = await site.cli(["dead", "show", group.ids[0]]);
  expect(shown.out).toContain("\nit\n→ Correct the name in Eposh, then trigger the date.\n");
  expect(shown.out).toContain('"kib_number": "2600001"');
  const replay = await site.cli(["dead", "replay", group.ids[0]]);
  expect(replay).toMatchObject({ exit: 1, out: "replayed: 0\n" });
  expect(replay.err).toContain("stage former of hikvision_former no longer exists");
  expect(await site.cli("dead replay 0123456789ab ba9876543210")).toMatchObject({ exit: 1, out: "" });
  expect(await site.cli("dead drop")).toMatchObject({ exit: 64, out: "" });
  const none = await site.cli("dead drop --yes --limit 0");
  expect(none).toMatchObject({ exit: 64, err: "--limit must be a whole number from 1 to 1000000\n" });
  await site.stop();
  expect(await site.cli("dead drop --stage former")).toMatchObject({
    exit: 0,
    out: expect.stringMatching(/^dropped: 1\nkept in .+\.jsonl\n$/),
  });
  expect((await site.cli("dead list")).out).toBe("no open cases\n");
  expect(site.printed).not.toContain(firstNik);
});
