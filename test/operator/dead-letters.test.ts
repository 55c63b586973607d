import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Outgoing } from "../../src/broker/broker.ts";
import { headersOf } from "../../src/broker/careful-pass.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import type { BatchResult } from "../../src/operator/selection.ts";
import { messagesIn } from "../support/messages.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = "3500003101900001";
const dead = "hikvision_create_person.dead";
const oldMs = 25 * 3_600_000;

type Answer = Partial<Omit<BatchResult, "count">> &
  Partial<{ replayed: number; dropped: number; total: number; error: string; body: string }> & {
    note?: string;
    groups?: { stage: string; code: string; count: number; ids: string[]; cases: { letters: number }[] }[];
  };

async function ask(
  site: InProcessSite,
  path: string,
  body?: unknown,
): Promise<Answer & { status: number; whole: string }> {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await site.fetch(path, request);
  const whole = await answer.text();
  return { ...(JSON.parse(whole) as Answer), status: answer.status, whole };
}

/** Employees without a name, each a dead letter of create-person. */
async function kill(site: InProcessSite, count: number, headers: Record<string, string> = {}): Promise<void> {
  const nobody = (at: number) => budi(site, { name: null, kib_number: `${2_600_001 + at}` });
  for (let at = 0; at < count; at++)
    expect(await site.employ(nobody(at), { "hs-fetched": new Date().toISOString(), ...headers })).toMatchObject({
      end: "bad_name",
    });
}

const idsOf = async (site: InProcessSite) => (await ask(site, "/dead")).groups?.flatMap(({ ids }) => ids) ?? [];
/** A case that is tried again has none. */
const lettersOf = async (site: InProcessSite) =>
  (await ask(site, "/dead")).groups?.flatMap(({ cases }) => cases).reduce((sum, { letters }) => sum + letters, 0);

describe.each([
  ["the embedded queue", "embedded"],
  ["RabbitMQ", "rabbitmq"],
])("with %s", (_, broker) => {
  test("dead letters are counted by stage and cause, and looking takes none away", async () => {
    await using site = await startSite({ broker });
    await kill(site, 3);
    await site.work("hikvision_update_kib", "not JSON");
    for (let looks = 0; looks < 3; looks++) {
      const { total, groups } = await ask(site, "/dead");
      expect(total).toBe(4);
      expect(groups?.map(({ stage, code, count }) => [stage, code, count])).toEqual([
        ["create-person", "bad_name", 3],
        ["update-kib", "bad_message", 1],
      ]);
    }
    expect(await ask(site, "/dead?stage=update-kib")).toMatchObject({ total: 1 });
    expect(await ask(site, "/dead?code=unheard_of")).toMatchObject({ total: 0 });
  });

  test("forty looks over six dead letters find six, and move none of them", async () => {
    await using site = await startSite({ broker });
    await kill(site, 6);
    const { publish } = site.daemon.broker;
    let published = 0;
    site.daemon.broker.publish = (...given) => {
      published += 1;
      return publish.apply(site.daemon.broker, given);
    };
    for (let looks = 0; looks < 40; looks++) {
      const { total, note } = await ask(site, "/dead");
      expect([total, note]).toEqual([6, undefined]);
    }
    expect(published).toBe(0);
    expect(await site.bodies(dead)).toHaveLength(6);
  });

  test("a lost index is made again from the queues, and so is one that another daemon has made wrong", async () => {
    await using site = await startSite({ broker });
    await kill(site, 3);
    const before = await idsOf(site);
    site.daemon.ledger.rows("delete from dead_letters");
    site.daemon.ledger.rows("delete from cases");
    await until(async () => (await lettersOf(site)) === 3, { what: "the three letters to be known again" });
    expect((await idsOf(site)).sort()).toEqual(before.sort());
    const [shown] = await site.bodies(dead);
    expect(await ask(site, `/dead/${before[0]}`)).toMatchObject({ status: 200, stage: "create-person" });

    // Within seconds a second pass would be too many: until then the list says that it may not be all.
    await site.daemon.broker.publish(dead, [{ body: shown?.replace("2600001", "2600009") ?? "" }]);
    const isSaid = async () => (await ask(site, "/dead")).note?.includes("another daemon");
    await until(isSaid, { what: "the list to say that it may not be all" });
    await until(async () => (await ask(site, "/dead")).total === 4, { everyMs: 500 });
    expect((await ask(site, "/dead")).note).toBeUndefined();
    // What somebody else took is gone from the list too.
    (await site.daemon.broker.take(dead))?.ack();
    await until(async () => (await ask(site, "/dead")).total === 3, { everyMs: 500 });
  });

  test("after a start with a lost ledger the dead letters are open cases before anybody lists them", async () => {
    await using site = await startSite({ broker });
    await kill(site, 3);
    await site.stop();
    for (const end of ["", "-wal", "-shm"]) rmSync(join(site.folder, `ledger.db${end}`), { force: true });
    await site.start();
    const open = async () => (await (await site.fetch("/metrics")).text()).includes('cases_open{code="bad_name"} 3');
    await until(open, { what: "the three letters to be open cases" });
  });

  test("a letter that somebody else took is unknown to a replay, also where the depth does not show it", async () => {
    await using site = await startSite({ broker });
    await kill(site, 1);
    const ids = await idsOf(site);
    (await site.daemon.broker.take(dead))?.ack();
    await site.daemon.broker.publish(dead, [{ body: "another daemon's" }]);
    await until(async () => (await site.bodies(dead))[0] === "another daemon's", { what: "the other letter" });
    expect(await ask(site, "/dead/replay", { ids })).toMatchObject({
      status: 404,
      error: expect.stringContaining(ids[0] ?? "?"),
    });
    expect(await ask(site, "/dead")).toMatchObject({ total: 1, groups: [{ code: "unknown" }] });
  });

  test("a letter that is in its queue twice is one dead letter", async () => {
    await using site = await startSite({ broker });
    await kill(site, 2);
    const twice: Outgoing[] = [];
    for await (const delivery of messagesIn(site.daemon.broker, dead))
      twice.push({ body: delivery.body, headers: headersOf(delivery) });
    await site.daemon.broker.publish(dead, twice);
    const isOnce = async () => (await ask(site, "/dead")).total === 2 && (await site.bodies(dead)).length === 2;
    await until(isOnce, { everyMs: 1_000, what: "each letter to be there once" });
  });

  test("a letter is shown with its history and its message, and without the NIK that is in both", async () => {
    await using site = await startSite({ broker });
    await kill(site, 1);
    expect((await site.bodies(dead))[0]).toContain(nik);
    const [id = ""] = await idsOf(site);
    const shown = await ask(site, `/dead/${id}`);
    expect(shown).toMatchObject({ id, stage: "create-person", code: "bad_name", attempts: 1, kib: "2600001" });
    expect(shown.body).toContain('"kib_number": "2600001"');
    expect(shown.body).toContain('"identity_number": "[nik]"');
    expect(shown.whole).not.toContain(nik);
    expect((await ask(site, "/dead/0123456789ab")).status).toBe(404);
  });

  test("one that fails again after a replay is the same dead letter again, with its history", async () => {
    await using site = await startSite({ broker });
    await kill(site, 1);
    const before = await idsOf(site);
    expect(await ask(site, "/dead/replay", { ids: before })).toMatchObject({ replayed: 1, left: [], unknown: [] });
    await until(async () => (await lettersOf(site)) === 1, { what: "it to be dead again" });
    expect(await idsOf(site)).toEqual(before);
    const { history } = (await ask(site, `/dead/${before[0]}`)) as { history?: Body[] };
    expect(history?.map(({ code }) => code)).toEqual(["bad_name", "bad_name"]);
  });

  test("a filter, a limit and a rate hold, and a dry run does nothing", async () => {
    await using site = await startSite({ broker });
    await kill(site, 4);
    await site.work("hikvision_update_kib", "not JSON");
    const all = { stage: "create-person", dryRun: true };
    expect(await ask(site, "/dead/drop", all)).toMatchObject({ dropped: 4 });
    expect(await ask(site, "/dead/drop", { ...all, limit: 3 })).toMatchObject({ dropped: 3 });
    expect(await ask(site, "/dead")).toMatchObject({ total: 5 });
    expect(await ask(site, "/dead/drop", { code: "bad_name", limit: 1 })).toMatchObject({ dropped: 1 });
    const startedAt = performance.now();
    expect(await ask(site, "/dead/replay", { code: "bad_name", rate: 1 })).toMatchObject({ replayed: 3 });
    expect(performance.now() - startedAt).toBeGreaterThan(2_000);
    expect(await ask(site, "/dead/drop", { stage: "update-kib" })).toMatchObject({ dropped: 1 });
    await until(async () => (await lettersOf(site)) === 3, { what: "the three to be dead again" });
    await ask(site, "/dead/drop", { all: true });
    expect(await ask(site, "/dead")).toMatchObject({ total: 0, groups: [] });
  });
});

test("a replay that waits for the broker keeps nobody from an answer, and whoever hangs up ends it", async () => {
  await using site = await startSite();
  await kill(site, 2);
  const { broker } = site.daemon;
  let published = 0;
  const confirms = broker.publish;
  // As in an alarm: neither confirmed nor refused.
  broker.publish = () => {
    published++;
    return new Promise(() => {});
  };
  const client = new AbortController();
  const request = { method: "POST", body: "{}", signal: client.signal };
  const replayed = site.fetch("/dead/replay", request).then(() => "answered", String);
  await until(() => published === 1, { what: "the replay to wait" });
  const askedAt = performance.now();
  const [list, status] = await Promise.all([ask(site, "/dead"), ask(site, "/status")]);
  expect(performance.now() - askedAt).toBeLessThan(10_000);
  expect(list).toMatchObject({ status: 200, total: 2 });
  expect(status).toMatchObject({ status: 200, deadLetters: { total: 2 } });
  client.abort();
  expect(await replayed).toContain("abort");
  broker.publish = confirms;
  expect(await ask(site, "/dead")).toMatchObject({ total: 2 });
  expect(published).toBe(1);
});

test("letters that cannot be kept in a file are not dropped, and stay open cases", async () => {
  await using site = await startSite();
  await kill(site, 3);
  const { ledger } = site.daemon;
  const { folder } = ledger;
  Object.assign(ledger, { folder: join(folder, "nowhere") });
  expect(await ask(site, "/dead/drop", { all: true })).toMatchObject({
    dropped: 0,
    error: expect.stringContaining("ENOENT"),
  });
  expect(await ask(site, "/dead")).toMatchObject({ total: 3 });
  Object.assign(ledger, { folder });
  expect(await ask(site, "/dead/drop", { all: true })).toMatchObject({ dropped: 3 });
  expect(await site.bodies("hikvision_create_person.dead")).toEqual([]);
});

test("dropping needs to be told which, and nothing but a known filter is taken", async () => {
  await using site = await startSite();
  await kill(site, 1);
  for (const body of [{}, { limit: 5 }, { stage: 7 }, { stgae: "create-person" }, { code: "bad_name", rate: 0 }, []])
    expect((await ask(site, "/dead/drop", body)).status).toBe(400);
  expect(await ask(site, "/dead/replay", { ids: ["0123456789ab"] })).toMatchObject({ status: 404 });
  expect(await ask(site, "/dead")).toMatchObject({ total: 1 });
});

test("a warning's case is dropped as a letter's is: kept in a file first, by its ID or a filter, and open again once a run meets the warning again", async () => {
  await using site = await startSite();
  const day = "2026-01-05";
  site.eposh.days.set(day, [budi(site, { photo: null, kib_number: null }), budi(site, { name: null })]);
  await site.induct({ from: day, to: day });
  const open = async () => {
    const { groups = [], warnings = [] } = (await ask(site, "/dead")) as Answer & { warnings?: { code: string }[] };
    return [...groups, ...warnings].map(({ code }) => code).sort();
  };
  expect(await open()).toEqual(["bad_name", "no_kib", "no_photo"]);
  const [{ id = "" } = {}] = site.daemon.ledger.rows<{ id: string }>("select id from cases where code = 'no_kib'");
  expect(await ask(site, "/dead/drop", { ids: [id.slice(0, 8)], dryRun: true })).toMatchObject({ dropped: 1 });
  expect(await open()).toEqual(["bad_name", "no_kib", "no_photo"]);

  const { dropped, unknown, file } = (await ask(site, "/dead/drop", { ids: [id.slice(0, 8)] })) as Answer & Body;
  expect({ dropped, unknown }).toEqual({ dropped: 1, unknown: [] });
  const kept = JSON.parse(await Bun.file(String(file)).text()) as Body;
  expect(kept).toMatchObject({ id, kind: "warning", stage: "update-kib", code: "no_kib", runs: 1 });
  expect(await open()).toEqual(["bad_name", "no_photo"]);
  expect(await ask(site, `/dead/${id}`)).toMatchObject({ status: 200, closed: { why: "dropped" } });
  expect((await ask(site, "/dead/drop", { ids: [id] })).status).toBe(404);
  expect(await ask(site, "/dead/replay", {})).toMatchObject({ replayed: 1 });
  await until(async () => (await lettersOf(site)) === 1, { what: "the letter to be dead again" });
  expect(await open()).toEqual(["bad_name", "no_photo"]);

  await site.induct({ from: day, to: day });
  expect(await open()).toEqual(["bad_name", "no_kib", "no_photo"]);
  expect(await ask(site, "/dead/drop", { code: "no_photo" })).toMatchObject({ dropped: 1 });
  expect(await ask(site, "/dead/drop", { all: true, limit: 1 })).toMatchObject({ dropped: 1 });
  expect(await ask(site, "/dead/drop", { all: true })).toMatchObject({ dropped: 1 });
  expect(await open()).toEqual([]);
});

test("a letter is shown without a NIK also where it is written with blanks, and with what was typed instead of one", async () => {
  await using site = await startSite();
  await site.employ(budi(site, { name: null, identity_number: `'${nik.slice(0, 4)} ${nik.slice(4)}` }));
  await site.employ(budi(site, { identity_number: "NA" }));
  const bodies = await Promise.all((await idsOf(site)).map(async (id) => (await ask(site, `/dead/${id}`)).body ?? ""));
  expect(bodies.join()).not.toContain(nik.slice(4));
  const shown = bodies.map((body) => (JSON.parse(body) as { employee: Body }).employee.identity_number);
  expect(shown.sort()).toEqual(["NA", "[nik]"]);
});

test("the trigger that is named to be pasted is quoted: what Eposh calls a KIB runs nothing", async () => {
  await using site = await startSite();
  site.daemon.ledger.openRun({ id: "r", at: new Date(), dates: ["2026-01-05"], tasks: 1 });
  const headers = { "hs-run": "r", "hs-fetched": new Date(Date.now() - oldMs).toISOString() };
  await site.employ(budi(site, { name: null, kib_number: "$(id); 'x" }), headers);
  const { left } = await ask(site, "/dead/replay", {});
  expect(left?.[0]?.text).toContain(String.raw` --kib '$(id); '\''x' `);
});

test("data over a day old is only replayed when that is said, and the trigger to use instead is named", async () => {
  await using site = await startSite();
  const dates = ["2026-01-05", "2026-01-07"];
  site.daemon.ledger.openRun({ id: "r", at: new Date(), dates, tasks: 2 });
  await kill(site, 2, { "hs-run": "r", "hs-fetched": new Date(Date.now() - oldMs).toISOString() });
  const { replayed, left } = await ask(site, "/dead/replay", {});
  expect(replayed).toBe(0);
  expect(left).toEqual([{ count: 2, text: expect.stringContaining("--stale") }]);
  expect(left?.[0]?.text).toMatch(/hikvision-sync trigger --from 2026-01-05 --to 2026-01-07 --kib 2600001,2600002 /);
  expect(await ask(site, "/dead")).toMatchObject({ total: 2 });
  expect(await ask(site, "/dead/replay", { stale: true })).toMatchObject({ replayed: 2, left: [] });

  await until(async () => (await lettersOf(site)) === 2, { what: "both to be dead again" });
  await ask(site, "/runs/r/cancel", {});
  const ended = await ask(site, "/dead/replay", { stale: true });
  expect(ended).toMatchObject({
    replayed: 0,
    left: [{ count: 2, text: expect.stringContaining("run r was cancelled") }],
  });
});

test("a run's counts become right again when its dead letters are replayed and go through, or are dropped", async () => {
  await using site = await startSite({ people: 30 });
  const { hikcentral } = site;
  const refusal = JSON.stringify({ code: "140", msg: "Operation failed", data: "" });
  hikcentral.faults.set({ kind: "answer", body: refusal, match: "customFieldsUpdate", times: 6 });
  const started = await fetch(`${site.url}/eposh-induction`, { method: "POST" });
  const { run } = (await started.json()) as { run: string };
  const view = async () => (await (await fetch(`${site.url}/runs/${run}`)).json()) as RunView;
  const isDone = async () => (await view()).status === "done";
  await until(isDone, { what: "the run to be through" });
  expect(await view()).toMatchObject({ employees: 30, through: 24, dead: 6, open: 0, deadLetters: [{ count: 6 }] });

  expect(await ask(site, "/dead/replay", { run, limit: 5 })).toMatchObject({ replayed: 5 });
  await until(async () => (await isDone()) && (await view()).dead === 1, { what: "five to go through" });
  expect((await view()).stages["assign-privilege"]).toEqual({ done: 29 });
  expect(await ask(site, "/dead/drop", { run })).toMatchObject({ dropped: 1 });
  expect(await view()).toMatchObject({ status: "done", employees: 30, through: 30, dead: 0, deadLetters: [] });
  expect((await view()).stages["update-kib"]).toEqual({ done: 29, dropped: 1 });
});
