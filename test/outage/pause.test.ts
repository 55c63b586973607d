import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const people = 24;
/** Pictures cost more time than all the rest, and are not what this is about. */
const faults = { eposh: [instead("no photos", "", { status: 404, match: "/photos/" })] };
const setKib = { match: "customFieldsUpdate" } as const;

/** Nobody was charged, and everybody is at the gate once. */
async function expectAllAndNoneCharged(site: Site): Promise<void> {
  expect(await site.sum("attempts_total")).toBe(0);
  expect(await site.sum("dead_letters_total")).toBe(0);
  expect(site.hikcentral.state().persons).toHaveLength(people);
  expect(site.atTheGate()).toHaveLength(people);
}

// Those that wait for whole delays wait together.
test.concurrent.each([
  ["a wrong key", { ...refusals.wrongKey, ...setKib }, "hikcentral_wrong_key", "update-kib"],
  ["a licence that is full", refusals.licence, "hikcentral_licence", "create-person"],
])("%s pauses only the stage that met it, costs nobody an attempt, and ends by itself", async (_, fault, code, met) => {
  await using site = await startSite({ people, faults });
  const { hikcentral } = site;
  hikcentral.faults.set(fault);
  const run = await site.begin();
  const paused = async () => (await site.stage(met))?.state === "paused";
  await until(paused, { what: `${met} to pause` });
  const { stages, upstreams, ready } = await site.readyz();
  expect({ ready, hikcentral: upstreams.hikcentral }).toEqual({ ready: false, hikcentral: "up" });
  expect(stages.filter(({ state }) => state === "paused").map(({ name }) => name)).toEqual([met]);
  expect(site.output()).toContain(code);
  expect(await site.sum("paused", { stage: met, upstream: "hikcentral" })).toBe(1);
  // The stages before it go on.
  const before = met === "update-kib" ? "create-person" : "publisher";
  const worked = async () => (await run.view()).stages[before]?.done === people;
  await until(worked, { what: `${before} to be through with everybody` });
  const refused = () => Object.values(hikcentral.faults.seen).reduce((sum, times) => sum + times, 0);
  // Those that were in hand at the pause are refused too; seconds later a single one is tried.
  let met1 = Number.NaN;
  const isAtRest = () => {
    const last = met1;
    met1 = refused();
    return last === met1;
  };
  await until(isAtRest, { everyMs: 1_000, what: "those in hand to be refused" });
  await until(() => refused() > met1, { what: "one message to be tried" });
  expect(refused()).toBe(met1 + 1);
  // The count of those that wait is a moment older than that of those in hand.
  const allThere = async () => {
    const { state, waiting, inFlight = 0 } = (await site.stage(met)) ?? {};
    return state === "paused" && (waiting ?? 0) + inFlight === people;
  };
  await until(allThere, { what: "all messages to be counted at the paused stage" });
  hikcentral.faults.set();
  await run.through();
  await expectAllAndNoneCharged(site);
});

test.concurrent("twenty different messages in a row with one failure pause the stage, and are all that is charged", async () => {
  // Nobody's second attempt comes into it.
  const env = { BROKER_RETRY_DELAYS: "15s,1h", STAGES_UPDATE_KIB_CONCURRENCY: "32" };
  await using site = await startSite({ people, faults, env });
  site.hikcentral.faults.set({ ...refusals.busy, ...setKib });
  await site.post("/stages/update-kib/pause");
  const run = await site.begin();
  const all = { waiting: people, inFlight: 0 };
  await until(async () => Bun.deepMatch(all, await site.stage("update-kib")), { what: "all to wait" });
  // So that all of them are in hand at the twentieth failure.
  await site.post("/stages/update-kib/resume");
  const pause = async () => (await site.stage("update-kib"))?.paused;
  const streak = async () => (await pause())?.includes("messages in a row failed with hikcentral_busy");
  await until(streak, { what: "the pause" });
  const charged = () => site.sum("attempts_total", { stage: "update-kib" });
  const left = async () => {
    const { waiting, inFlight = 0 } = (await site.stage("update-kib")) ?? {};
    return (waiting ?? 0) + inFlight;
  };
  await until(async () => (await left()) === people - 20, { what: "the others to be left as they are" });
  expect(await charged()).toBe(20);
  await until(async () => (await charged()) > 20, { what: "one message to be tried" });
  expect(await charged()).toBe(21);
  site.hikcentral.faults.set();
  await run.through();
  expect(site.hikcentral.state().persons.filter(({ kib }) => kib !== "")).toHaveLength(people);
  expect(await site.sum("dead_letters_total")).toBe(0);
});

test.concurrent("an outage that the probe does not see costs nobody an attempt, and work goes on within 5 s", async () => {
  await using site = await startSite({ people, faults });
  site.hikcentral.faults.set({ ...refusals.exception, ...setKib });
  const run = await site.begin();
  await until(async () => (await site.stage("update-kib"))?.state === "paused", {
    what: "the pause",
  });
  const seen = () => site.hikcentral.faults.seen.exception ?? 0;
  const before = seen();
  await until(() => seen() >= before + 3, { what: "three more tries" });
  const backAt = Date.now();
  site.hikcentral.faults.set();
  await run.through();
  const isKib = ({ call, atMs, code }: Site["hikcentral"]["writes"][number]) =>
    call.endsWith("customFieldsUpdate") && code === "0" && atMs >= backAt;
  // And what a busy machine may take; were the tries rarer, the next one would come after 8 s.
  expect((site.hikcentral.writes.find(isKib)?.atMs ?? 0) - backAt).toBeLessThanOrEqual(7_500);
  await expectAllAndNoneCharged(site);
});

test("while Eposh is down only what needs it pauses, and nobody is charged", async () => {
  await using site = await startSite({ people });
  site.eposh.faults.set({ kind: "reset" });
  const run = await site.begin();
  const paused = () => site.sum("paused", { upstream: "eposh", stage: "induction" });
  await until(paused, { what: "induction to pause for Eposh" });
  const { upstreams, ready } = await site.readyz();
  expect({ ready, state: upstreams.eposh }).toEqual({ ready: false, state: "down" });
  expect(await site.sum("paused")).toBe(1);
  site.eposh.faults.set();
  const backAt = performance.now();
  await until(async () => (await paused()) === 0, { what: "it to go on" });
  expect(performance.now() - backAt).toBeLessThan(5_000);
  await run.through();
  await expectAllAndNoneCharged(site);
});

describe("a call that is not answered in time is judged by a probe", () => {
  const hang = { kind: "hang", match: "person/single/add", times: 1 } as const;
  const probe = { match: "common/v1/version" } as const;
  const env = { HIKCENTRAL_TIMEOUT: "3s" };
  const refused = '{"code":"0x02401003","msg":"Invalid Signature!"}';

  test.each([
    ["success", []],
    ["an error envelope", [{ ...refusals.exception, ...probe }]],
    ["HTTP 401 with an envelope", [instead("401", refused, { ...probe, status: 401 })]],
  ])("%s: it is that message's counted retry, and nothing pauses", async (_, answers) => {
    await using site = await startSite({ people, faults, env });
    site.hikcentral.faults.set(hang, ...answers);
    await site.induct();
    expect(await site.sum("attempts_total")).toBe(1);
    expect(await site.sum("deliveries_total", { stage: "create-person", outcome: "retry" })).toBe(1);
    expect(site.output()).not.toMatch(/paused:|is down/);
    expect(site.hikcentral.state().persons).toHaveLength(people);
  });

  test("a proxy's page: HikCentral is down, and nobody is charged", async () => {
    await using site = await startSite({ people, faults, env });
    site.hikcentral.faults.set(hang, { ...refusals.html, ...probe });
    const run = await site.begin();
    await until(async () => (await site.readyz()).upstreams.hikcentral === "down", {
      what: "the outage",
    });
    site.hikcentral.faults.set();
    await run.through();
    await expectAllAndNoneCharged(site);
  });
});
