import { describe, expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = nikOf(0, "1990-01-31");
const conflict = { end: "identity_conflict", warnings: [] };
const done = { end: "done", warnings: [] };
const differs = { end: "done", warnings: ["birth_date_differs"] };
/** Not the one in the NIK. */
const birth_date = { ymd: "1990-01-30" };

/** A record of an employee who has `nik`, and a picture of his own for each number. */
const record = (site: Site, changes: Body = {}, picture = 1) =>
  budi(site, {
    name: "Budi Santoso",
    identity_number: nik,
    photo: { link: `${site.eposh.origin}/photos/kib/-176760000${picture}.png` },
    ...changes,
  });
const personOf = (site: Site) => structuredClone(site.hikcentral.state().persons);
const deadLines = (site: Site) =>
  site
    .output()
    .split("\n")
    .filter((line) => line.includes("(dead letter)"));
const nameOf = (body: string) => (JSON.parse(body) as { employee: { name: string } }).employee.name;

/** The run of that date once all its messages are through or dead. */
async function induct(site: Site, date: string, people: Body[], more: object = {}) {
  site.eposh.days.set(date, people);
  const body = JSON.stringify({ from: date, to: date, ...more });
  const answer = await fetch(`${site.url}/eposh-induction`, { method: "POST", body });
  const { run, ...given } = (await answer.json()) as { run: string; error?: string };
  const view = await until(
    async () => {
      const seen = (await (await fetch(`${site.url}/runs/${run}`)).json()) as RunView;
      return seen.status === "done" && seen;
    },
    { what: "the run to be done" },
  );
  return { view, status: answer.status, error: given.error };
}

describe("a record with the NIK of somebody else", () => {
  test.each([
    ["an academic title in common", "Budi Santoso, S.T.", "Siti Aminah, S.T."],
    ["a title without a comma in common", "Budi Santoso S.T.", "Siti Aminah S.T."],
    ["a first name in common", "Budi Santoso", "Budi Prasetyo"],
    ["very common words in common", "Siti Nur Aminah", "Siti Nur Hasanah"],
    ["a name of the other sex", "Suharto", "Suharti"],
    ["I for Ni", "Ni Made Sari", "I Made Sari"],
    ["nothing that can be compared", "王伟", "Wang Wei"],
  ])(
    "and %s is a dead letter that gives both names and both KIB numbers, and nothing is overwritten",
    async (_, a, b) => {
      await using site = await startSite();
      expect(await site.employ(record(site, { name: a, kib_number: "9200001" }))).toEqual(done);
      const before = personOf(site);
      site.deeds();
      const regionals = [{ name: "Kawasan", slug: "kawasan" }];
      expect(await site.employ(record(site, { name: b, kib_number: "9200002", regionals }, 2))).toEqual(conflict);
      expect(personOf(site)).toEqual(before);
      expect(site.deeds()).toEqual({});
      const [line = ""] = deadLines(site);
      for (const shown of [`"${a}" (KIB 9200001)`, `"${b}" (KIB 9200002)`]) expect(line).toContain(shown);
      expect(site.output()).not.toContain(nik);
    },
  );

  test("says which side has no KIB number", async () => {
    await using site = await startSite();
    site.hikcentral.seed({ personCode: nik, personGivenName: "Siti", personFamilyName: "-" });
    expect(await site.employ(record(site, { kib_number: null }))).toEqual(conflict);
    expect(deadLines(site).join()).toContain(
      '"Budi Santoso" (no KIB) at Eposh has the NIK of "Siti" (no KIB) in HikCentral',
    );
  });

  test("and part of a name is the same human being where KIB and birth date agree", async () => {
    await using site = await startSite();
    expect(await site.employ(record(site, { name: "Dewi Lestari" }))).toEqual(done);
    expect(await site.employ(record(site, { name: "Siti Lestari" }))).toEqual(done);
    expect(site.person(nik)).toMatchObject({ personGivenName: "Siti", personFamilyName: "Lestari" });
    expect(await site.employ(record(site, { name: "Ayu Lestari", kib_number: "2600002" }))).toEqual(conflict);
    expect(await site.employ(record(site, { name: "Ayu Lestari", birth_date: null }))).toEqual(conflict);
  });
});

describe("a NIK", () => {
  test.each([
    ["as a spreadsheet writes it", (code: string) => `'${code}`],
    ["with blanks", (code: string) => ` ${code.slice(0, 4)} ${code.slice(4)}`],
    [
      "in full-width digits",
      (code: string) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ],
  ])("%s is the NIK itself, through all stages, also for a second record", async (_, write) => {
    await using site = await startSite();
    expect(await site.employ(record(site, { identity_number: write(nik) }))).toEqual(done);
    expect(await site.employ(record(site))).toEqual(done);
    expect(personOf(site)).toMatchObject([{ personCode: nik, kib: "2600001", groups: ["1", "2", "8"] }]);
  });

  test("that somebody typed instead of one makes nobody, and is a dead letter for each", async () => {
    await using site = await startSite({ env: { EPOSH_PAGE_SIZE: "1" } });
    for (const identity_number of ["NA", "-", 3.20102e15, "1234567890123456", "BELUM ADA"]) {
      const two = ["Joko Satu", "Joko Dua"].map((name, at) =>
        record(site, { name, identity_number, kib_number: `920000${at}` }, at),
      );
      const letters = (await site.bodies("hikvision_create_person.dead")).length;
      const { view } = await induct(site, "2026-01-01", two);
      expect(view).toMatchObject({ employees: 2, dead: 2, warnings: [] });
      expect(view.deadLetters).toMatchObject([{ code: "bad_identity_number", count: 2 }]);
      const bodies = await site.bodies("hikvision_create_person.dead");
      expect(bodies.slice(letters).map(nameOf).sort()).toEqual(["Joko Dua", "Joko Satu"]);
    }
    expect(site.hikcentral.persons.size).toBe(0);
  });
});

test("two records of one NIK on a date are one person with the zones of both, and nothing is missing", async () => {
  await using site = await startSite();
  const zones = (slug: string) => ({ regionals: [{ name: slug, slug }] });
  const people = [
    record(site, { name: "Putu Satu", identity_number: nikOf(5, "1990-01-31"), kib_number: "9200611" }, 2),
    record(site, zones("zona-i")),
    record(site, zones("tuks")),
  ];
  const { view } = await induct(site, "2026-01-01", people);
  expect(view).toMatchObject({ dead: 0, warnings: [] });
  await until(() => site.person(nik)?.groups.join() === "1,8", { what: "the zones of both" });
  expect(site.person(nik)).toMatchObject({ kib: "2600001" });
  expect(site.eposh.pages).toEqual({ "2026-01-01 1": 1 });
});

describe("a birth_date that contradicts the NIK", () => {
  test("is a warning on a new person, who gets everything", async () => {
    await using site = await startSite();
    expect(await site.employ(record(site, { birth_date }))).toEqual(differs);
    expect(site.person(nik)).toMatchObject({ hasFace: true, kib: "2600001", groups: ["1", "2", "8"] });
  });

  test("keeps no second delivery of the same record, which overwrites nothing", async () => {
    await using site = await startSite();
    const employee = record(site, { birth_date });
    expect(await site.employ(employee)).toEqual(differs);
    site.deeds();
    expect(await site.employ(employee)).toEqual(differs);
    expect(site.deeds()).toEqual({});
  });

  test("nor a person whose add was answered by nothing", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "lost", match: "single/add", times: 1 });
    expect(await site.employ(record(site, { birth_date }))).toEqual(differs);
    expect(site.person(nik)).toMatchObject({ hasFace: true, kib: "2600001", groups: ["1", "2", "8"] });
  });

  test.each<[string, Body, number]>([
    ["the face", {}, 2],
    ["the KIB number", { kib_number: "2600099" }, 1],
    ["the name", { name: "Budi Hadi Santoso" }, 1],
  ])("and equal names are not enough to overwrite %s", async (_, changes, picture) => {
    await using site = await startSite();
    expect(await site.employ(record(site))).toEqual(done);
    const before = personOf(site);
    expect(await site.employ(record(site, { ...changes, birth_date }, picture))).toEqual(conflict);
    expect(personOf(site)).toEqual(before);
    expect(deadLines(site).join()).toContain("birth_date is not the date of birth in the NIK");
  });

  test("of an older record that changes nothing any more is only a warning", async () => {
    await using site = await startSite();
    const [early, late] = ["2026-01-05T01:00:00.000Z", "2026-01-05T02:00:00.000Z"];
    expect(await site.employ(record(site), { "hs-fetched": late })).toEqual(done);
    const before = personOf(site);
    expect(await site.employ(record(site, { birth_date }, 2), { "hs-fetched": early })).toEqual(differs);
    expect(personOf(site)).toEqual(before);
  });
});

describe("a KIB number that HikCentral's field refuses", () => {
  test("by a code of its own leaves the field as it is, grants access and warns", async () => {
    await using site = await startSite();
    expect(await site.employ(record(site))).toEqual(done);
    site.hikcentral.faults.set(
      instead("refused", '{"code":"2","msg":"customFieldValue parameter error"}', { match: "customFieldsUpdate" }),
    );
    const regionals = [{ name: "Kawasan", slug: "kawasan" }];
    const fate = await site.employ(record(site, { kib_number: "2600099", regionals }));
    expect(fate).toEqual({ end: "done", warnings: ["bad_kib_number"] });
    expect(site.person(nik)).toMatchObject({ kib: "2600001", groups: ["1", "2", "8", "9"] });
    expect(site.output()).toMatch(/the KIB field of person \d+ is unchanged: .*customFieldValue parameter error/);
  });

  test("costs no write at a second delivery", async () => {
    await using site = await startSite();
    const employee = record(site, { kib_number: "KIB/021/I/2026" });
    const refused = { end: "done", warnings: ["bad_kib_number"] };
    expect(await site.employ(employee)).toEqual(refused);
    site.deeds();
    expect(await site.employ(employee)).toEqual(refused);
    expect(site.deeds()).toEqual({});
  });
});

describe("a date whose NIKs all end in 0", () => {
  const rounded = (site: Site, count: number) =>
    Array.from({ length: count }, (_, at) =>
      record(site, { identity_number: nikOf(10 * at + 9, "1990-01-31"), kib_number: String(at), photo: null }),
    );

  test("is held: nobody is sent on, also with small pages, and the trigger says why", async () => {
    await using site = await startSite({ env: { EPOSH_PAGE_SIZE: "3" } });
    const { view, status, error } = await induct(site, "2026-01-01", rounded(site, 10));
    expect(view).toMatchObject({ employees: 0, fetched: { dead: 1 } });
    expect(view.deadLetters).toMatchObject([{ code: "niks_rounded", count: 1 }]);
    expect(status).toBe(502);
    expect(error).toMatch(/^2026-01-01: all NIKs end in 0, so a spreadsheet has rounded them; correct them in Eposh/);
    expect(site.hikcentral.persons.size).toBe(0);
  });

  test("is held in a run with a limit too, and the dates after it are not", async () => {
    await using site = await startSite();
    site.eposh.days.set("2026-01-02", [record(site)]);
    const { view } = await induct(site, "2026-01-01", rounded(site, 10), { to: "2026-01-02", limit: 1 });
    expect(view).toMatchObject({ employees: 1, through: 1, deadLetters: [{ code: "niks_rounded" }] });
    await until(() => site.person(nik)?.groups.length === 3);
    expect(site.hikcentral.persons.size).toBe(1);
  });

  test.each([
    ["nine people", (site: Site) => rounded(site, 9), 9],
    ["ten people and one whose NIK ends in 1", (site: Site) => [...rounded(site, 10), record(site)], 11],
  ])("is not held for %s", async (_, people, count) => {
    await using site = await startSite({ env: { EPOSH_PAGE_SIZE: "3" } });
    const { view } = await induct(site, "2026-01-01", people(site));
    expect(view).toMatchObject({ employees: count, through: count, deadLetters: [] });
  });
});
