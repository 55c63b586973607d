import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { breakOne, type Sabotage, sabotages } from "../../src/cli/demo/sabotage.ts";
import { readConfig } from "../../src/config/load.ts";
import type { CaseList } from "../../src/operator/cases.ts";
import { NightlyComparison } from "../../src/reconcile/nightly.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { Visitor } from "../support/visitor.ts";

const people = 14;
let site: InProcessSite;
beforeAll(async () => {
  // The persons are valid on the day of the night.
  site = await startSite({ people, env: { HIKCENTRAL_VALID_FROM: "2026-01-01" } });
  await site.induct();
});
afterAll(() => site[Symbol.asyncDispose]());

/** A night; resolves with what was said and with the runs that it asked for. */
async function night(startRun: (fix: object) => Promise<unknown> = async () => {}) {
  const { config } = readConfig({ env: site.env, defaultFile: "/nonexistent" });
  const { clients, ledger } = site.daemon;
  const said: string[] = [];
  const runs: object[] = [];
  const say = (text: string) => void said.push(text);
  using nightly = new NightlyComparison({
    clients,
    config,
    ledger,
    log: { info: say, warn: say },
    now: () => new Date("2026-01-19T19:00:00Z"),
    startRun(fix) {
      runs.push(fix);
      return startRun(fix);
    },
  });
  await nightly.run();
  return { said, runs };
}

const openCases = async () => {
  const { groups, warnings } = (await site.get("/dead")).body as unknown as CaseList;
  return [...groups, ...warnings].flatMap(({ cases }) => cases);
};

/** Puts both systems back as they are now. */
function backup(): () => void {
  const { eposh, hikcentral } = site;
  const restore = hikcentral.backup();
  const days = structuredClone([...eposh.days]);
  return () => {
    restore();
    for (const [date, employees] of days) eposh.days.set(date, employees);
  };
}

/** Sabotage → the codes of its cases, and whether a run puts it right. */
const situations: Record<Sabotage, { codes: string[]; text: string; isFixed?: true }> = {
  person: { codes: ["not_in_hikcentral"], text: "no such person", isFixed: true },
  face: { codes: ["face_missing"], text: "no face", isFixed: true },
  kib: { codes: ["kib_differs"], text: "KIB is 999", isFixed: true },
  photo: { codes: ["face_outdated"], text: "Eposh has another photo", isFixed: true },
  picture: { codes: ["face_outdated"], text: "another picture is behind the photo link", isFixed: true },
  access: { codes: ["taken_away_in_hikcentral"], text: "not in privilege group" },
  expired: { codes: ["taken_away_in_hikcentral"], text: "ended on 2026-01-02" },
  "not-yet-valid": { codes: ["not_yet_valid"], text: "not valid before 2030-06-01" },
  "kib-twice": { codes: ["kib_in_use"], text: "Orang Contoh (person" },
  "kib-elsewhere": { codes: ["kib_differs", "kib_on_other_person"], text: "has this KIB instead" },
  "kib-strangers": { codes: ["kib_in_use"], text: "Orang Contoh (person" },
  unmatched: { codes: ["unmatched_member"], text: "no record explains it" },
};

test("a site without a fault has no case, and the first night takes who is there for granted", async () => {
  const { persons } = site.hikcentral;
  const early = site.hikcentral.seed({
    personCode: "3500000101900001",
    personGivenName: "Tamu",
    personFamilyName: "Contoh",
  });
  site.hikcentral.groups.get("1")?.members.add(early.personId);
  // Both lists that show the guest are short once.
  const short = { kind: "short-page", times: 1 } as const;
  const ofGroup = { match: "group/single/personList", holds: '"privilegeGroupId":"1"' };
  site.hikcentral.faults.set({ ...short, ...ofGroup }, { ...short, match: "person/personList" });
  expect(await night()).toEqual({ said: [`Eposh and HikCentral agree on all ${people} employees.`], runs: [] });
  expect((await night()).said).toEqual([`Eposh and HikCentral agree on all ${people} employees.`]);
  expect(await openCases()).toEqual([]);
  const { exit, out } = await site.cli("verify");
  expect({ exit, out }).toEqual({ exit: 0, out: expect.stringMatching(/^validity +14 +0$/m) });
  expect(site.hikcentral.faults.seen["short-page"]).toBe(2);
  site.hikcentral.faults.set();
  persons.delete(early.personId);
});

let restore = () => {};
afterEach(() => restore());

describe.each([...sabotages])("demo --sabotage %s", (what) => {
  const { codes, text, isFixed } = situations[what];

  test("is found by the night and by verify, is one case, and the case ends when it is over", async () => {
    restore = backup();
    const written = site.hikcentral.writes.length;
    const [, kib] = /KIB (\d+)/.exec(breakOne(what, site)) ?? [];
    const { runs } = await night();
    const cases = await openCases();
    expect(cases.map(({ code }) => code).sort()).toEqual(codes);
    for (const one of cases) expect(one).toMatchObject({ kind: "warning", stage: "comparison", kib });
    expect(cases.some((one) => one.text.includes(text))).toBe(true);
    expect(runs).toHaveLength(codes.some((code) => code === "kib_differs") || isFixed ? 1 : 0);
    await night();
    expect(await openCases()).toHaveLength(codes.length);

    const { exit, out } = await site.cli("verify");
    expect({ exit, out }).toEqual({ exit: 1, out: expect.not.stringMatching(/\d{16}/) });
    const line = out.split("\n").find((one) => one.startsWith(`KIB ${kib}, `) && one.includes(text));
    expect(line, out).toBeDefined();
    expect(out.trimEnd().split("\n").at(-1)).toMatch(/^Eposh and HikCentral (differ on 1|agree on all 14)/);
    expect(site.hikcentral.writes.slice(written)).toEqual([]);

    if (isFixed) {
      await night((fix) => site.induct(fix));
      await until(async () => (await openCases()).length === 0, { what: "the case to end with the run" });
      restore = () => {};
      expect((await night()).said).toEqual([`Eposh and HikCentral agree on all ${people} employees.`]);
      return;
    }
    restore();
    expect(await night()).toMatchObject({ runs: [] });
    expect(await openCases()).toEqual([]);
  });
});

test("a situation that an operator drops stays dropped, and is news once it is another one", async () => {
  restore = backup();
  breakOne("unmatched", site);
  await night();
  const [one] = await openCases();
  expect((await site.post("/dead/drop", { ids: [one?.id] })).status).toBe(200);
  await night();
  expect(await openCases()).toEqual([]);
  const [stranger] = [...site.hikcentral.persons.values()].slice(-1);
  site.hikcentral.groups.get("9")?.members.add(String(stranger?.personId));
  await night();
  expect(await openCases()).toMatchObject([{ id: one?.id, text: expect.stringContaining("privilege group 1, 9") }]);
  restore();
  await night();
});

test("a list of members that misses somebody once is no case, neither by night nor of verify", async () => {
  const { faults, groups } = site.hikcentral;
  const once = { kind: "short-page", match: "group/single/personList", times: 1 } as const;
  const short = [...groups.keys()].map((group) => ({ ...once, holds: `"privilegeGroupId":"${group}"` }));
  faults.set(...short);
  expect((await night()).said).toEqual([`Eposh and HikCentral agree on all ${people} employees.`]);
  expect(await openCases()).toEqual([]);
  const shortByNight = faults.seen["short-page"] ?? 0;
  expect(shortByNight).toBeGreaterThan(1);
  faults.set(...short);
  expect(await site.cli("verify")).toMatchObject({ exit: 0 });
  expect(faults.seen["short-page"]).toBeGreaterThan(shortByNight);
  faults.set();
});

test("a list that misses an unmatched member once does not end its case", async () => {
  restore = backup();
  breakOne("unmatched", site);
  await night();
  const [one] = await openCases();
  expect(one?.code).toBe("unmatched_member");
  const { faults } = site.hikcentral;
  const ofGroup = { match: "group/single/personList", holds: '"privilegeGroupId":"1"' };
  for (const which of [ofGroup, { match: "person/personList" }]) {
    const seen = faults.seen["short-page"] ?? 0;
    faults.set({ kind: "short-page", times: 1, ...which });
    await night();
    expect(await openCases()).toMatchObject([{ id: one?.id }]);
    expect(faults.seen["short-page"]).toBe(seen + 1);
  }
  faults.set();
  restore();
  await night();
  expect(await openCases()).toEqual([]);
});

test("what the partner may no longer read ends no case, and is said", async () => {
  restore = backup();
  breakOne("unmatched", site);
  await night();
  const [one] = await openCases();
  expect(one?.code).toBe("unmatched_member");
  const refused = '{"code":"69","msg":"API not ticked"}';
  site.hikcentral.faults.set({ kind: "answer", match: "group/single/personList", body: refused });
  const { said } = await night();
  site.hikcentral.faults.set();
  expect(said).toContainEqual(expect.stringContaining("may not read the members of privilege groups"));
  expect(await openCases()).toMatchObject([{ id: one?.id }]);
  restore();
  await night();
  expect(await openCases()).toEqual([]);
});

test("the page shows what the last night found and when, and that one ended early", async () => {
  const now = async (language: string) => {
    const html = await (await Visitor.byLink(site, language)).html("/ui/");
    return /id="comparison".*?<\/section>/s.exec(html)?.[0].replace(/<[^>]+>/g, " ") ?? "";
  };
  restore = backup();
  breakOne("person", site);
  const { said } = await night();
  expect(said.at(-1)).toContain("is fetched again.");
  const english = await now("en");
  expect(english).toContain(said.at(-1) ?? "");
  expect(english).toContain("20 Jan 2026, 02:00 WIB");
  expect(await now("id")).toMatch(/berbeda pada \d dari 14 karyawan. Yang kurang pada \d di antaranya diambil lagi/);
  site.eposh.faults.set(instead("refused", "{}", { status: 401, match: "/api/" }));
  await night();
  site.eposh.faults.set();
  expect(await now("en")).toContain("The comparison ended early.");
  // An operator's own stands below it, with its dates; one of a few KIB numbers is no comparison of the site.
  await site.cli("verify --from 2026-01-01 --to 2026-01-03");
  await site.cli("verify --from 2026-01-04 --kib 2600001");
  expect(await now("en")).toMatch(
    /ended early\..*Eposh and HikCentral .*by an operator \(verify\), of those inducted from 1 Jan 2026 to 3 Jan 2026/s,
  );
});
