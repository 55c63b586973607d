import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { CaseList, CaseView } from "../../src/operator/cases.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = "3500003101900001";
const day = "2026-01-01";
const dates = { from: day, to: day };

/** HikCentral has somebody else's name with this NIK. */
async function siteWithConflict(folder?: string) {
  const site = await startSite({ folder });
  const theirs = site.hikcentral.seed({ personCode: nik, personGivenName: "Wati", personFamilyName: "Halim" });
  site.eposh.days.set(day, [budi(site)]);
  await site.induct(dates);
  return { site, theirs, open: () => openIn(site), id: (await openIn(site))[0]?.id ?? "" };
}
const openIn = async (site: InProcessSite): Promise<CaseView[]> =>
  ((await site.get("/dead")).body as unknown as CaseList).groups.flatMap(({ cases }) => cases);
const decide = (site: InProcessSite, id: string, answer: string) => site.post(`/dead/${id}/decide`, { answer });
const changed = (site: InProcessSite, changes: Body) => site.eposh.days.set(day, [budi(site, changes)]);

describe("an identity conflict is decided once", () => {
  test("the same human being: the message goes on, and nobody is asked again", async () => {
    const { site, open, id } = await siteWithConflict();
    await using _site = site;
    expect((await decide(site, id.slice(0, 6), "same")).body).toMatchObject({ decision: "same", replayed: 1 });
    await until(async () => (await open()).length === 0, { what: "the case to be closed" });
    expect(site.person(nik)).toMatchObject({ personGivenName: "Budi", kib: "2600001", groups: ["1", "2", "8"] });
    expect(await site.induct(dates)).toMatchObject({ through: 1, dead: 0 });
  });

  test("the record is wrong: closed until it changes, and its trace says why he cannot enter", async () => {
    const { site, theirs, open, id } = await siteWithConflict();
    await using _site = site;
    expect((await decide(site, id, "record-wrong")).status).toBe(200);
    expect(await open()).toEqual([]);
    expect(await site.induct(dates)).toMatchObject({ employees: 1, dead: 0, open: 0 });
    expect(await open()).toEqual([]);
    expect(theirs).toMatchObject({ personGivenName: "Wati" });
    const trace = JSON.stringify((await site.post("/trace", { key: "2600001" })).body);
    expect(trace).toContain("an operator decided that this record is wrong");
    changed(site, { kib_number: "2600002" });
    expect(await site.induct(dates)).toMatchObject({ dead: 1 });
    expect(await open()).toMatchObject([{ kib: "2600002", code: "identity_conflict" }]);
  });

  test("the person in HikCentral is wrong: open, tried at each run, and through when the person is corrected", async () => {
    const { site, theirs, open, id } = await siteWithConflict();
    await using _site = site;
    expect((await decide(site, id, "person-wrong")).status).toBe(200);
    for (const runs of [2, 3]) {
      expect(await site.induct(dates)).toMatchObject({ dead: 1 });
      expect(await open()).toMatchObject([{ id, runs, letters: 1, decision: "person-wrong" }]);
    }
    Object.assign(theirs, { personGivenName: "Budi", personFamilyName: "Contoh Santoso" });
    expect(await site.induct(dates)).toMatchObject({ through: 1, dead: 0 });
    expect(await open()).toEqual([]);
  });

  test("only for this name and KIB at Eposh and this name in HikCentral", async () => {
    const { site, theirs, open, id } = await siteWithConflict();
    await using _site = site;
    // The answer is there, and the person is renamed before the message is back at its stage.
    Object.assign(theirs, { personGivenName: "Siti" });
    await decide(site, id, "same");
    await until(async () => (await open()).some(({ letters }) => letters === 1), { what: "it to be asked again" });
    expect(theirs).toMatchObject({ personGivenName: "Siti", personFamilyName: "Halim" });
  });

  test("and what was decided survives the loss of the ledger, in a file that holds no NIK and no name", async () => {
    const { site, open, id } = await siteWithConflict();
    await using _site = site;
    await decide(site, id, "record-wrong");
    const file = readFileSync(join(site.folder, "decisions.json"), "utf8");
    expect(file).not.toMatch(/3500003101900001|Budi|Wati/);
    await site.stop();
    for (const end of ["", "-wal", "-shm"]) rmSync(join(site.folder, `ledger.db${end}`), { force: true });
    await site.start();
    expect(await site.induct(dates)).toMatchObject({ dead: 0 });
    expect((await open()).filter(({ letters }) => letters === 0)).toEqual([]);
  });

  test("and another answer takes its place: a case that was closed is open again", async () => {
    const { site, open, id } = await siteWithConflict();
    await using _site = site;
    await decide(site, id, "record-wrong");
    expect(await open()).toEqual([]);
    await decide(site, id, "person-wrong");
    expect(await open()).toMatchObject([{ id, letters: 1, decision: "person-wrong" }]);
    expect(await site.induct(dates)).toMatchObject({ dead: 1 });
    await decide(site, id, "record-wrong");
    expect((await decide(site, id, "same")).body).toMatchObject({ replayed: 1 });
    await until(async () => (await open()).length === 0, { what: "the case to be closed" });
    expect(site.person(nik)?.groups).toHaveLength(3);
    const late = await decide(site, id, "record-wrong");
    expect([late.status, late.body.error]).toEqual([409, expect.stringContaining("is closed (passed)")]);
  });

  test("or is not, where the answer cannot be stored, and the case says so no less", async () => {
    const { site, open, id } = await siteWithConflict();
    await using _site = site;
    mkdirSync(join(site.folder, "decisions.json"));
    const { status, body } = await decide(site, id, "record-wrong");
    expect([status, body.error]).toEqual([409, expect.stringContaining("cannot be stored, and nothing was changed")]);
    expect(await open()).toMatchObject([{ id }]);
    rmSync(join(site.folder, "decisions.json"), { recursive: true });
    expect((await decide(site, id, "record-wrong")).status).toBe(200);
    expect(await open()).toEqual([]);
  });

  test("and nothing else can be decided", async () => {
    await using site = await startSite();
    changed(site, { name: null });
    await site.induct(dates);
    const [bad] = await openIn(site);
    expect((await decide(site, bad?.id ?? "", "same")).status).toBe(409);
    expect((await decide(site, "0123456789ab", "same")).status).toBe(409);
    expect((await decide(site, bad?.id ?? "", "perhaps")).status).toBe(400);
  });
});
