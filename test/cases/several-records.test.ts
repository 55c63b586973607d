import { describe, expect, test } from "bun:test";
import type { CaseList } from "../../src/operator/cases.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type InProcessSite, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = nikOf(42, "1990-01-31");
const [first, second, third] = ["2026-01-01", "2026-01-02", "2026-01-03"];
const dates = { from: first, to: third };
const zone = (slug: string) => ({ regionals: [{ name: slug, slug }] });
const picture = (site: Site, number: number) => ({
  photo: { link: `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png` },
});
/** A record of one man; each number is another photo. */
const joko = (site: Site, number: number, changes: Body = {}) =>
  budi(site, { name: "Joko Ulang", identity_number: nik, ...picture(site, number), ...changes });
const pictureOf = (site: Site, code = nik) =>
  [...site.hikcentral.persons.values()].find(({ personCode }) => personCode === code)?.picture;
const through = (employees: number) => ({ status: "done", employees, through: employees, dead: 0, warnings: [] });

/** Two further runs, in which nothing is new. */
async function expectNoWrite(site: Site, employees: number, asked: object = dates): Promise<void> {
  const before = structuredClone(site.hikcentral.state().persons);
  site.deeds();
  for (const run of [2, 3]) {
    expect(await site.induct(asked)).toMatchObject(through(employees));
    expect({ run, deeds: site.deeds() }).toEqual({ run, deeds: {} });
  }
  expect(site.hikcentral.state().persons).toEqual(before);
}

describe("a man who was inducted twice, with another photo and another KIB number", () => {
  const twice = (site: Site) => {
    site.eposh.days.set(first, [joko(site, 1, { kib_number: "9200601", ...zone("zona-i") })]);
    site.eposh.days.set(second, [joko(site, 2, { kib_number: "9200699", ...zone("zona-ii") })]);
  };
  const later = { kib: "9200699", groups: ["1", "2"] };

  test("is one person: the later induction wins, the zones are united, and a further run writes nothing", async () => {
    await using site = await startSite();
    twice(site);
    expect(await site.induct(dates)).toMatchObject(through(2));
    expect(site.person(nik)).toMatchObject(later);
    const face = pictureOf(site);
    await expectNoWrite(site, 2);
    expect(pictureOf(site)).toEqual(face);
    // Also where the earlier date alone is fetched, by a daemon that remembers nothing.
    await using fresh = await startSite({ simulators: site.simulators });
    await expectNoWrite(fresh, 1, { from: first, to: first });
    expect(site.person(nik)).toMatchObject(later);
  });

  test("is written again where the later record is corrected, and only then", async () => {
    await using site = await startSite();
    twice(site);
    await site.induct(dates);
    site.eposh.days.set(second, [joko(site, 3, { name: "Joko Ulang Baru", kib_number: "9200700" })]);
    site.deeds();
    await site.induct(dates);
    expect(site.person(nik)).toMatchObject({ kib: "9200700", personFamilyName: "Ulang Baru" });
    expect(site.deeds()).toMatchObject({ "face/update": 1, "personId/customFieldsUpdate": 1, photo: 1 });
    await expectNoWrite(site, 2);
  });

  test("keeps the later KIB number where the earlier record comes last", async () => {
    await using site = await startSite();
    twice(site);
    await site.induct({ from: second, to: second });
    await site.induct({ from: first, to: first });
    expect(site.person(nik)).toMatchObject(later);
  });

  test("takes the data of the earlier date where the later one no longer holds him: the date was corrected", async () => {
    await using site = await startSite();
    site.eposh.days.set(second, [joko(site, 2, { kib_number: "9200699" }), budi(site)]);
    await site.induct(dates);
    site.eposh.days.set(second, [budi(site)]);
    site.eposh.days.set(first, [joko(site, 1, { kib_number: "9200601" })]);
    await site.induct({ from: second, to: second });
    site.deeds();
    await site.induct({ from: first, to: first });
    expect(site.person(nik)).toMatchObject({ kib: "9200601" });
    expect(site.deeds()).toMatchObject({ "face/update": 1, "personId/customFieldsUpdate": 1 });
    await expectNoWrite(site, 2);
  });

  test.each(["an empty page", "a wrong count"])("and %s is no reason to believe that he left a date", async (kind) => {
    await using site = await startSite();
    twice(site);
    await site.induct(dates);
    site.eposh.days.set(second, kind === "an empty page" ? [] : [budi(site)]);
    if (kind === "a wrong count") site.eposh.faults.set({ kind: "wrong-total", match: "/api/" });
    await site.induct({ from: second, to: second });
    site.eposh.faults.set();
    await site.induct({ from: first, to: first });
    expect(site.person(nik)).toMatchObject({ kib: "9200699" });
  });
});

describe("a NIK twice on one day", () => {
  const people = (site: Site, changes: Body) => [
    joko(site, 1, { name: "Putu Satu", identity_number: nikOf(7, "1990-01-31"), kib_number: "9200611" }),
    joko(site, 2, { name: "Qori Dua", kib_number: "9200612", ...zone("zona-i") }),
    joko(site, 2, { name: "Qori Dua", kib_number: "9200612", ...zone("tuks"), ...changes }),
  ];
  test.each<[string, string, (site: Site) => Body]>([
    ["with two zones", "100", () => ({})],
    ["with two zones, over a page's end", "1", () => ({})],
    ["with two photos and KIB numbers", "100", (site) => ({ kib_number: "9200613", ...picture(site, 3) })],
    [
      "with two photos and KIB numbers, over a page's end",
      "1",
      (site) => ({ kib_number: "9200613", ...picture(site, 3) }),
    ],
    [
      "with two photos and KIB numbers, over a page's end",
      "2",
      (site) => ({ kib_number: "9200613", ...picture(site, 3) }),
    ],
    ["with two spellings of the name", "2", () => ({ name: "Qori Dua, S.T." })],
  ])(
    "%s (pages of %s) is folded: no warning, nothing is missing, and a further run writes nothing",
    async (_, size, changes) => {
      await using site = await startSite({ env: { EPOSH_PAGE_SIZE: size } });
      const [, , last] = people(site, changes(site));
      site.eposh.days.set(first, people(site, changes(site)));
      expect(await site.induct(dates)).toMatchObject(through(3));
      expect(site.person(nik)).toMatchObject({ kib: String(last?.kib_number), groups: ["1", "8"] });
      await expectNoWrite(site, 3);
    },
  );

  test("and twice the same record on a page is fetched once, and counts as Eposh counts", async () => {
    await using site = await startSite();
    const [putu, qori] = people(site, {});
    site.eposh.days.set(first, [putu, qori, qori] as Body[]);
    expect(await site.induct({ from: first, to: first })).toMatchObject({ status: "done", dead: 0, warnings: [] });
    expect(site.eposh.pages).toEqual({ [`${first} 1`]: 1 });
  });
});

describe("one NIK of two human beings on one day", () => {
  const hasan = (site: Site, changes: Body = {}) =>
    joko(site, 1, { name: "Hasan Siregar", kib_number: "11", ...changes });
  const wati = (site: Site, changes: Body = {}) => joko(site, 2, { name: "Wati Halim", kib_number: "12", ...changes });
  const [none, wrong] = [{ birth_date: null }, { birth_date: { ymd: "1985-05-05" } }];
  const induct = async (site: Site, ...people: Body[]) => {
    site.eposh.days.set(first, people);
    const { dead, through: passed } = await site.induct({ from: first, to: first });
    return { dead, passed, persons: site.hikcentral.state().persons.map(({ kib }) => kib) };
  };

  test.each([
    ["has none", none, "100"],
    ["has none, and comes a page earlier", none, "1"],
    ["contradicts it", wrong, "100"],
  ])(
    "is the one's whose birth_date is in it, and the other's record, which %s, is an identity_conflict",
    async (_, birth, size) => {
      await using site = await startSite({ env: { EPOSH_PAGE_SIZE: size } });
      for (const _ of [1, 2])
        expect(await induct(site, hasan(site, birth), wati(site))).toEqual({ dead: 1, passed: 1, persons: ["12"] });
      expect(site.output()).toContain(`"Hasan Siregar" (KIB 11)`);
    },
  );

  test("is nobody's where no birth_date tells them apart: both are identity_conflicts until Eposh or an operator says whose it is", async () => {
    await using site = await startSite();
    for (const _ of [1, 2])
      expect(await induct(site, hasan(site), wati(site))).toEqual({ dead: 2, passed: 0, persons: [] });
    expect(site.output()).toContain(
      `"Hasan Siregar" (KIB 11) has the same NIK as "Wati Halim" (KIB 12) of that date at Eposh`,
    );
    const { groups } = (await site.get("/dead")).body as unknown as CaseList;
    const [ours, theirs] = groups.flatMap(({ cases }) => cases).sort((a, b) => Number(a.kib) - Number(b.kib));
    await site.post(`/dead/${theirs?.id}/decide`, { answer: "record-wrong" });
    const told = (await site.post("/who", { key: "12", language: "en" })).body as { people: { sentence: string }[] };
    expect(told.people[0]?.sentence).toMatch(/^Wati Halim \(KIB 12\) cannot enter: .* this NIK/);
    expect((await site.post(`/dead/${ours?.id}/decide`, { answer: "same" })).body).toMatchObject({ replayed: 1 });
    await until(() => site.person(nik)?.groups.length === 3, { what: "Hasan to have access" });
    expect(await induct(site, hasan(site), wati(site))).toMatchObject({ persons: ["11"] });
    const corrected = wati(site, { identity_number: nikOf(43, "1990-01-31") });
    expect(await induct(site, hasan(site), corrected)).toMatchObject({ dead: 0, passed: 2, persons: ["11", "12"] });
  });
});

describe("a KIB number that HikCentral's field refuses", () => {
  const refused = (employees: number) => ({
    status: "done",
    through: employees,
    dead: 0,
    warnings: [{ code: "bad_kib_number", count: 1 }],
  });

  test.each([
    ["KIB/021/I/2026", false],
    ["9200421", true],
  ])("(%s) is a warning, access is granted, and a further run writes nothing", async (kib_number, byCode) => {
    await using site = await startSite();
    if (byCode)
      site.hikcentral.faults.set(
        instead("refused", '{"code":"2","msg":"customFieldValue parameter error"}', { match: "customFieldsUpdate" }),
      );
    site.eposh.days.set(first, [joko(site, 1, { kib_number })]);
    const other = site.hikcentral.seed({
      personCode: nik,
      personGivenName: "Joko",
      personFamilyName: "Ulang",
      remark: "kunci 7",
    });
    other.customFields["1"] = "77";
    expect(await site.induct(dates)).toMatchObject(refused(1));
    expect(site.person(nik)).toMatchObject({ kib: "77", groups: ["1", "2", "8"], hasFace: true });
    const { remark } = other;
    const { calls } = site.hikcentral;
    const tried = calls["resource/v1/person/personId/customFieldsUpdate"];
    site.deeds();
    for (const _ of [2, 3]) {
      expect(await site.induct(dates)).toMatchObject(refused(1));
      expect(site.deeds()).toEqual({});
    }
    expect(other.remark).toBe(remark);
    expect(calls["resource/v1/person/personId/customFieldsUpdate"]).toEqual(tried as number);
  });
});

describe("a message without headers, of a Python worker", () => {
  const nothing = { "hs-fetched": "" };
  const done = { end: "done", warnings: [] };
  const expectUnchanged = async (site: InProcessSite, changes: Body) => {
    site.deeds();
    expect(await site.employ(joko(site, 2, changes), nothing)).toEqual(done);
    expect(site.deeds()).toEqual({});
  };

  test("overwrites nothing that we noted", async () => {
    await using site = await startSite();
    expect(await site.employ(joko(site, 1))).toEqual(done);
    await expectUnchanged(site, { name: "Joko Ulang Lain", kib_number: "9200999" });
  });

  test("fills what is empty", async () => {
    await using site = await startSite();
    expect(await site.employ(joko(site, 1, { photo: null, kib_number: null }))).toMatchObject({ end: "done" });
    expect(await site.employ(joko(site, 2, { name: "Joko Ulang Lain" }), nothing)).toEqual(done);
    expect(site.person(nik)).toMatchObject({ hasFace: true, kib: "2600001", personFamilyName: "Ulang" });
    await expectUnchanged(site, { kib_number: "9200999" });
  });
});
