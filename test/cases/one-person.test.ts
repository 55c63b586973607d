import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-01";
const dates = { from: date, to: date };
const person = (site: Site, number: number, changes: Body = {}) =>
  budi(site, {
    name: `Budi ${String.fromCharCode(65 + (number % 26)).repeat(3)}wan`,
    identity_number: nikOf(100 + number, "1990-01-31"),
    kib_number: String(9_300_000 + number),
    photo: null,
    ...changes,
  });
const people = (site: Site, count: number) => Array.from({ length: count }, (_, number) => person(site, number));

test("60 bad NIKs in a row hold up nobody: they are dead letters at once, and the 40 after them get through", async () => {
  await using site = await startSite();
  const bad = Array.from({ length: 60 }, (_, number) => person(site, 500 + number, { identity_number: "NA" }));
  site.eposh.days.set(date, [...bad, ...people(site, 40)]);
  expect(await site.induct(dates)).toMatchObject({ employees: 100, through: 40, dead: 60 });
  expect(site.output()).not.toContain("paused:");
  expect(site.atTheGate()).toHaveLength(40);
});

describe("HikCentral's answer for one person", () => {
  const refused = (code: string, match: string, holds: string) =>
    instead("refused", JSON.stringify({ code, msg: "database error", data: "" }), { match, holds });

  test.each([
    ["5", "hikcentral_service_exception"],
    ["8", "hikcentral_not_supported"],
    ["12", "hikcentral_not_supported"],
    ["4711", "hikcentral_code_4711"],
  ])("(code %s, while others pass) is that person's dead letter, and pauses nothing", async (answer, code) => {
    await using site = await startSite({ env: { HIKCENTRAL_CONCURRENCY: "2" } });
    const all = people(site, 12);
    site.eposh.days.set(date, all);
    site.hikcentral.faults.set(refused(answer, "single/add", String(all[0]?.identity_number)));
    const view = await site.induct(dates);
    expect(view).toMatchObject({ employees: 12, through: 11, dead: 1, deadLetters: [{ code, count: 1 }] });
    expect(site.output()).not.toContain("paused:");
    expect(site.atTheGate()).toHaveLength(11);
  });

  test("is his dead letter too where he comes last, and is alone", async () => {
    await using site = await startSite();
    site.eposh.days.set(date, people(site, 5));
    await site.induct(dates);
    const last = person(site, 9);
    site.hikcentral.faults.set(refused("5", "single/add", String(last.identity_number)));
    expect(await site.employ(last)).toMatchObject({ end: "hikcentral_service_exception" });
    expect(site.output()).not.toContain("paused:");
  });

  test("to the grant of his group keeps nobody of the same call from access", async () => {
    await using site = await startSite();
    site.eposh.days.set(date, people(site, 12));
    await site.post("/stages/assign-privilege/pause");
    const run = await site.begin(dates);
    await until(async () => (await run.view()).stages["update-kib"]?.done === 12, { what: "all to wait for access" });
    const [one] = site.hikcentral.persons.values();
    site.hikcentral.faults.set(refused("5", "addPersons", `"${one?.personId}"`));
    await site.post("/stages/assign-privilege/resume");
    expect(await run.through()).toMatchObject({ through: 11, dead: 1 });
    expect(site.output()).not.toMatch(/paused: HikCentral/);
  });
});
