import { expect, test } from "bun:test";
import { chownSync, mkdirSync, readdirSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSqlite } from "../../src/broker/sqlite-broker.ts";
import { employee } from "../../src/simulator/people.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, run, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const firstNik = String(employee(1, 0, "").identity_number);

/** A box with simulators, a state folder, and the commands as an operator types them there. */
async function startBox(people: number, extra: Record<string, string> = {}) {
  const simulators = await startSimulators({ people });
  const folder = temporaryFolder();
  const env: Record<string, string> = { ...environmentOf(simulators), STATE_FOLDER: folder, HTTP_PORT: "0", ...extra };
  let printed = "";
  return {
    ...simulators,
    folder,
    /** All that the commands printed. */
    printed: () => printed,
    async daemon() {
      const daemon = await startDaemon({ ...env, HTTP_PORT: "0" }, folder);
      env.HTTP_PORT = new URL(daemon.url).port;
      return daemon;
    },
    async cli(...words: string[]) {
      const done = await run(words, env);
      printed += done.out + done.err;
      return { ...done, json: () => JSON.parse(done.out) };
    },
  };
}

test("status is ready or not, by its exit code, and no command makes a folder", async () => {
  await using box = await startBox(20);
  const before = await box.cli("status");
  expect(before).toMatchObject({ exit: 69, out: "" });
  expect(before.err).toContain("no daemon answers");
  const elsewhere = join(box.folder, "not-there");
  expect((await run("dead list", { STATE_FOLDER: elsewhere, HTTP_PORT: "1" })).exit).toBe(69);
  expect(await Bun.file(join(elsewhere, "lock")).exists()).toBe(false);

  const daemon = await box.daemon();
  await until(async () => (await box.cli("status")).exit === 0, { what: "the daemon to be ready" });
  expect((await box.cli("status")).out).toContain("eposh: not asked yet");
  const { run: id } = await daemon.induct();
  const status = (await box.cli("status", "--json")).json();
  expect(status).toMatchObject({ ready: true, deadLetters: { total: 0, groups: [] }, lastRun: { run: id } });
  expect(status.upstreams).toContainEqual({ name: "hikcentral", state: "up", since: null });
  expect(status.queues).toContainEqual({ queue: "hikvision_update_kib", ready: 0, consumers: 1 });

  await box.hikcentral.down();
  await daemon.trigger({ from: "2026-01-01", to: "2026-01-03", kib: ["2600001"] });
  await until(async () => (await box.cli("status")).out.includes("hikcentral: down since"), { what: "the outage" });
  expect((await box.cli("status")).exit).toBe(69);
  await daemon.stop();
  const after = await box.cli("status");
  expect(after).toMatchObject({ exit: 69, out: expect.stringContaining("no daemon runs") });
  expect(after.err).toBe(`no daemon answers; reading the saved state in ${box.folder} and the embedded queue\n`);
});

test("a paused stage stays so across a restart, shows why, loses nothing and goes on at once", async () => {
  await using box = await startBox(40);
  const first = await box.daemon();
  expect((await box.cli("pause", "nonsense")).exit).toBe(1);
  expect((await box.cli("pause", "update-kib")).exit).toBe(0);
  expect((await first.get("/readyz")).status).toBe(503);
  await first.trigger();
  await first.stop();

  const second = await box.daemon();
  const waiting = async () => (await box.cli("status")).out;
  await until(async () => /hikvision_update_kib +40 /.test(await waiting()), { what: "all to wait there" });
  expect(await waiting()).toMatch(/update-kib: paused since .*: an operator paused it/);
  expect((await box.cli("trace", "2600001")).out).toContain(": waiting for update-kib\n");
  // What cannot be kept, e.g. on a full disk, is not done, and can be said again.
  mkdirSync(join(box.folder, "paused.json.new"));
  expect(await box.cli("resume", "update-kib")).toMatchObject({ exit: 1, err: expect.stringContaining("paused.json") });
  rmdirSync(join(box.folder, "paused.json.new"));
  expect((await box.cli("resume", "update-kib")).exit).toBe(0);
  const isThrough = async () => (await box.cli("status", "--json")).json().lastRun.status === "done";
  await until(isThrough, { what: "the run to be through" });
  await until(async () => (await box.cli("status")).exit === 0, { what: "the daemon to be ready" });
  expect((await box.cli("resume", "update-kib")).exit).toBe(1);
  await second.stop();

  expect((await box.cli("pause", "publisher")).err).toContain("no daemon answers");
  const third = await box.daemon();
  expect((await box.cli("status")).out).toContain("publisher: paused");
  await third.stop();
});

test.skipIf(process.getuid?.() !== 0)(
  "what root says while no daemon runs leaves the folder to the user of the service",
  async () => {
    await using box = await startBox(0);
    await (await box.daemon()).stop();
    const files = () => readdirSync(box.folder).map((name) => join(box.folder, name));
    const somebody = 65_534;
    for (const path of [box.folder, ...files()]) chownSync(path, somebody, somebody);
    expect(await box.cli("pause", "publisher")).toMatchObject({ exit: 0 });
    expect(await box.cli("status")).toMatchObject({ exit: 69, out: expect.stringContaining("publisher: paused") });
    expect(files()).toContain(join(box.folder, "paused.json"));
    for (const path of files()) expect({ path, uid: statSync(path).uid }).toEqual({ path, uid: somebody });
  },
);

test("a daemon that answers nothing is said, and not waited for for ever", async () => {
  await using box = await startBox(0);
  const daemon = await box.daemon();
  process.kill(daemon.pid, "SIGSTOP");
  const { exit, err } = await box.cli("status");
  process.kill(daemon.pid, "SIGCONT");
  expect({ exit, err }).toEqual({ exit: 69, err: expect.stringMatching(/does not answer within \d+ s/) });
  await daemon.stop();
});

test("an employee is found by KIB and by NIK, with every attempt, and the NIK is never printed", async () => {
  await using box = await startBox(20);
  const busy = {
    kind: "answer",
    body: '{"code":"0x00052102","msg":"busy"}',
    match: "person/single/add",
    times: 1,
  } as const;
  box.hikcentral.faults.set(busy);
  const daemon = await box.daemon();
  await daemon.induct({ from: "2026-01-01", to: "2026-01-19", kib: ["2600001"] });
  const [journey] = (await box.cli("trace", "2600001", "--json")).json().journeys;
  expect(journey.where).toContain("through");
  expect(journey.steps.map(({ stage, outcome }: Record<string, string>) => `${stage} ${outcome}`)).toEqual([
    "induction done",
    "publisher done",
    "create-person retry",
    "create-person done",
    "update-kib done",
    "assign-privilege done",
  ]);
  const byNik = await box.cli("trace", firstNik);
  expect(byNik.out).toBe((await box.cli("trace", "2600001")).out);
  expect(byNik.out).toContain("attempt 2");
  expect(await box.cli("trace", "3500000000999999")).toMatchObject({ exit: 1, out: "" });
  await daemon.stop();
  expect((await box.cli("trace", firstNik)).out).toBe(byNik.out);
  expect(`${box.printed()}${daemon.output()}`).not.toMatch(/\d{16}/);
});

test("what is left of a cancelled run ends, what is done stays, and another run may begin", async () => {
  await using box = await startBox(60);
  const daemon = await box.daemon();
  await box.cli("pause", "update-kib");
  const { body } = await daemon.trigger(undefined, { prefer: "respond-async" });
  const id = String(body.run);
  const view = async () => (await box.cli("runs", id, "--json")).json();
  await until(async () => (await view()).stages["create-person"]?.done === 60, {
    timeoutMs: 40_000,
    what: "all to be persons",
  });
  expect((await box.cli("runs", "cancel", "nonsense")).exit).toBe(1);
  expect((await box.cli("runs", "cancel", id)).exit).toBe(0);
  await daemon.stop();

  const again = await box.daemon();
  await box.cli("resume", "update-kib");
  await until(async () => (await view()).stages["update-kib"]?.ended === 60, {
    timeoutMs: 40_000,
    what: "the rest to end",
  });
  expect(await view()).toMatchObject({ status: "cancelled", employees: 60, through: 60, deadLetters: [] });
  expect(box.hikcentral.state().persons).toHaveLength(60);
  expect(box.hikcentral.writes.filter(({ call }) => !call.endsWith("person/single/add"))).toEqual([]);
  expect((await box.cli("trace", "2600001")).out).toContain("ended at update-kib: cancelled");
  expect((await again.induct()).stages["assign-privilege"]).toEqual({ done: 60 });
  expect((await box.cli("runs")).out).toMatch(/ done .*60\/60[\s\S]* cancelled /);
  await again.stop();
});

test("a dead letter whose stage no longer exists is listed, shown with what to do, and dropped, and a replay says so", async () => {
  await using box = await startBox(0);
  const letter = {
    body: JSON.stringify({ employee: { name: "Budi Contoh", identity_number: firstNik, kib_number: "2600001" } }),
    headers: {
      "hs-failure": JSON.stringify([{ at: "2026-01-01T00:00:00Z", stage: "former", code: "bad_name", text: "it" }]),
    },
  };
  {
    await using queue = openSqlite({ file: join(box.folder, "queue.db") });
    await queue.declare(["hikvision_former.dead"]);
    await queue.publish("hikvision_former.dead", [letter]);
  }
  writeFileSync(join(box.folder, "queues.json"), '["hikvision_former","hikvision_former.dead"]');
  const daemon = await box.daemon();
  const [group] = (await box.cli("dead", "list", "--json")).json().groups;
  expect(group).toMatchObject({ stage: "former", code: "bad_name", count: 1 });
  const shown = await box.cli("dead", "show", group.ids[0]);
  expect(shown.out).toContain("\nit\n→ Correct the name in Eposh, then trigger the date.\n");
  expect(shown.out).toContain('"kib_number": "2600001"');
  const replay = await box.cli("dead", "replay", group.ids[0]);
  expect(replay).toMatchObject({ exit: 1, out: "replayed: 0\n" });
  expect(replay.err).toContain("there is no stage former on hikvision_former any more");
  expect(await box.cli("dead", "replay", "0123456789ab", "ba9876543210")).toMatchObject({ exit: 1, out: "" });
  expect(await box.cli("dead", "drop")).toMatchObject({ exit: 64, out: "" });
  const none = await box.cli("dead", "drop", "--all", "--limit", "0");
  expect(none).toMatchObject({ exit: 64, err: "--limit must be a whole number from 1 to 1000000\n" });
  await daemon.stop();
  expect(await box.cli("dead", "drop", "--stage", "former")).toMatchObject({ exit: 0, out: "dropped: 1\n" });
  expect((await box.cli("dead", "list")).out).toBe("no dead letters\n");
  expect(box.printed()).not.toContain(firstNik);
});
