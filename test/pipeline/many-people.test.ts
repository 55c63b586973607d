import { afterAll, beforeAll, expect, test } from "bun:test";
import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { compare } from "../../src/reconcile/comparison.ts";
import { NightlyComparison } from "../../src/reconcile/nightly.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { lightPortrait } from "../support/portraits.ts";
import { type InProcessSite, startSite } from "../support/site.ts";

const people = 80;
const info = "resource/v1/person/personCode/personInfo";
const list = "resource/v1/person/personList";

let simulators: Simulators;
beforeAll(async () => {
  simulators = await startSimulators({ people, portrait: lightPortrait });
});
afterAll(() => simulators[Symbol.asyncDispose]());
const folder = temporaryFolder();
/** A daemon that remembers nobody of the last minute. */
async function nextDaemon(): Promise<InProcessSite> {
  // The persons are valid on the day of the night.
  const site = await startSite({ simulators, folder, env: { HIKCENTRAL_VALID_FROM: "2026-01-01" } });
  site.deeds();
  return site;
}

/** What a run asks HikCentral for. */
async function callsOfRun(site: InProcessSite) {
  const { calls } = site.hikcentral;
  const before = { ...calls };
  expect(await site.induct()).toMatchObject({ employees: people, through: people, dead: 0, warnings: [] });
  const since = (call: string) => (calls[call] ?? 0) - (before[call] ?? 0);
  const all = Object.keys(calls).reduce((sum, call) => sum + since(call), 0);
  return { all, since };
}

test("many new people are added without a lookup", async () => {
  await using site = await nextDaemon();
  const { since } = await callsOfRun(site);
  expect(site.atTheGate()).toHaveLength(people);
  // Otherwise it is one for each, and one more to see the face.
  expect(since(info)).toBeLessThan(people);
});

test("whoever came first is served first: they are through while others have not begun", async () => {
  await using site = await startSite({
    people: 40,
    env: { HIKCENTRAL_CONCURRENCY: "1", HIKCENTRAL_VERIFY_FACE: "false" },
  });
  site.hikcentral.faults.set({ kind: "slow", minMs: 5 });
  expect(await site.induct()).toMatchObject({ through: 40 });
  const written = site.hikcentral.state().writes.map(({ call }) => call.split("/").at(-1));
  const addsBefore = (call: string) => written.slice(0, written.indexOf(call)).filter((one) => one === "add").length;
  expect(addsBefore("customFieldsUpdate")).toBeLessThan(10);
}, 60_000);

test("a run of many over unchanged people reads a list instead of each one, and writes nothing", async () => {
  await using site = await nextDaemon();
  const { all, since } = await callsOfRun(site);
  expect(since(list)).toBeGreaterThan(0);
  expect(all).toBeLessThan(people / 2);
  expect(site.deeds()).toEqual({});
});

test("what a list shows to be wrong is read singly and put right", async () => {
  await using site = await nextDaemon();
  const before = structuredClone(site.hikcentral.state().persons);
  const [kib, face, name] = [...site.hikcentral.persons.values()].slice(-3);
  if (!(kib && face && name)) throw new Error("there is nobody");
  kib.customFields["1"] = "999";
  face.picture = undefined;
  name.personFamilyName = name.personFamilyName.toUpperCase();
  const { since } = await callsOfRun(site);
  expect(since(info)).toBeGreaterThan(0);
  expect(site.hikcentral.state().persons.map(({ remark: _, ...person }) => person)).toEqual(
    before.map(({ remark: _, ...person }) => person),
  );
  expect(site.deeds()).toMatchObject({ "personId/customFieldsUpdate": 1, "face/update": 1, "single/update": 2 });
});

test("the whole site is compared with a few calls, and what is wrong is read singly", async () => {
  const { env, calls } = { env: simulators.env, calls: simulators.hikcentral.calls };
  const { config } = readConfig({ env: { ...env, STATE_FOLDER: folder }, defaultFile: "/nonexistent" });
  await using clients = createClients(config, createLog({ write: () => true }));
  const dates = [...simulators.eposh.days.keys()];
  const count = () => Object.values(calls).reduce((sum, times) => sum + times, 0);
  const { signal } = new AbortController();
  const before = count();
  const agree = { person: people, face: people, kib: people, access: people, validity: people };
  expect(await compare(clients, config, { dates, signal })).toMatchObject({
    employees: people,
    agree,
    differences: [],
  });
  expect(count() - before).toBeLessThan(15);

  const [first] = simulators.hikcentral.persons.values();
  const picture = first?.picture;
  if (first) first.picture = undefined;
  const reads = calls[info] ?? 0;
  const found = await compare(clients, config, { dates, signal });
  if (first) first.picture = picture;
  expect(found.differences).toMatchObject([{ what: "face", kib: first?.customFields["1"], canBeFixed: true }]);
  expect(calls[info]).toBe(reads + 1);
});

test("a message that is delivered again looks at the person itself", async () => {
  await using site = await nextDaemon();
  await site.induct();
  const [employee] = site.eposh.days.get("2026-01-01") ?? [];
  const before = site.hikcentral.calls[info] ?? 0;
  await site.employ(employee ?? {}, { "hs-again": true as unknown as string });
  expect(site.hikcentral.calls[info] ?? 0).toBeGreaterThan(before);
});

test("people whom a list does not show are found all the same, and nobody becomes two", async () => {
  await using site = await nextDaemon();
  const nobody = JSON.stringify({ code: "0", data: { total: 0 } });
  const written = site.hikcentral.writes.length;
  site.hikcentral.faults.set({ kind: "answer", match: "person/personList", body: nobody });
  const { since } = await callsOfRun(site);
  site.hikcentral.faults.set();
  expect(since("resource/v1/person/single/add")).toBeGreaterThan(0);
  expect(site.hikcentral.persons.size).toBe(people);
  expect(site.hikcentral.writes.slice(written).filter(({ code }) => code === "0")).toEqual([]);
});

test("the nightly comparison has what is missing fetched again, and nothing that was taken away", async () => {
  await using site = await nextDaemon();
  const { config } = readConfig({ env: site.env, defaultFile: "/nonexistent" });
  const [gone, faceless, lockedOut] = site.hikcentral.persons.values();
  if (!(gone && faceless && lockedOut)) throw new Error("there is nobody");
  site.hikcentral.persons.delete(gone.personId);
  faceless.picture = undefined;
  for (const { members } of site.hikcentral.groups.values()) members.delete(lockedOut.personId);
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const now = () => new Date("2026-01-19T19:00:00Z");
  const log = { info: say, warn: say };
  const startRun = (fix: object) => site.induct(fix);
  const { clients, ledger } = site.daemon;
  using nightly = new NightlyComparison({ clients, ledger, config, startRun, log, now });
  await nightly.run();
  expect(said).toEqual([
    `Eposh and HikCentral differ on 3 of ${people} employees. What is missing for 2 of them is fetched again.`,
  ]);
  expect(site.person(gone.personCode)).toMatchObject({ hasFace: true, kib: gone.customFields["1"] });
  expect(faceless.picture).toBeDefined();
  expect(site.person(lockedOut.personCode)?.groups).toEqual([]);
});
