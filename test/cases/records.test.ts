import { expect, test } from "bun:test";
import type { WhoAnswer } from "../../src/operator/who/answer.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";

const [first, second] = ["2026-01-01", "2026-01-02"];
const dates = { from: first, to: second };
/** Contains no date of birth, as some real ones do. */
const nik = "3201020000000001";
const record = (site: Site, changes: Body) => budi(site, { identity_number: nik, photo: null, ...changes });

/** The run over both dates, and twice more: what was refused stays so. */
async function thrice(site: Site, days: Record<string, Body[]>) {
  for (const [date, people] of Object.entries(days)) site.eposh.days.set(date, people);
  const view = await site.induct(dates);
  const persons = structuredClone(site.hikcentral.state().persons);
  site.deeds();
  for (const _ of [2, 3]) {
    const { employees, through, dead } = await site.induct(dates);
    expect({ employees, through, dead }).toEqual({ employees: view.employees, through: view.through, dead: view.dead });
    expect(site.deeds()).toEqual({});
  }
  expect(site.hikcentral.state().persons).toEqual(persons);
  return { view, persons };
}

test("an academic title in common makes nobody the same: the second one on the NIK is an identity_conflict", async () => {
  await using site = await startSite();
  const { view, persons } = await thrice(site, {
    [first]: [record(site, { name: "Budi Santoso, S.T.", kib_number: "9200001", regionals: [{ slug: "zona-i" }] })],
    [second]: [record(site, { name: "Siti Aminah, S.T.", kib_number: "9200002", regionals: [{ slug: "zona-ii" }] })],
  });
  expect(view).toMatchObject({ employees: 2, through: 1, dead: 1, deadLetters: [{ code: "identity_conflict" }] });
  expect(persons).toMatchObject([{ personGivenName: "Budi", kib: "9200001", groups: ["1"] }]);
});

test.each([
  ["the NIK NA", "NA", "100"],
  ["a spreadsheet's number for a NIK", 3.20102e15, "100"],
  ["a hyphen for a NIK, the second on page two", "-", "1"],
])("two people with %s are two dead letters, and nobody is made of them", async (_, identity_number, size) => {
  await using site = await startSite({ env: { EPOSH_PAGE_SIZE: size } });
  const two = ["Joko Satu", "Citra Dua"].map((name, at) =>
    record(site, { name, identity_number, kib_number: `${at}` }),
  );
  const { view, persons } = await thrice(site, { [first]: two });
  expect(view).toMatchObject({ employees: 2, through: 0, dead: 2 });
  expect(view.deadLetters).toMatchObject([{ code: "bad_identity_number", count: 2 }]);
  expect(persons).toEqual([]);
});

test("names without a letter are bad_name, and no conflict with themselves", async () => {
  await using site = await startSite();
  const names = [".", "-", "…", "😀"].map((name, at) =>
    record(site, { name, identity_number: nikOf(410 + at, "1990-01-01"), kib_number: `920041${at}` }),
  );
  const { view, persons } = await thrice(site, { [first]: names });
  expect(view).toMatchObject({ dead: 4, deadLetters: [{ code: "bad_name", count: 4 }] });
  expect(persons).toEqual([]);
});

test("of several people with one name each is told of their own problem, and once", async () => {
  await using site = await startSite();
  const joko = (kib_number: string, identity_number: string) =>
    budi(site, { name: "Joko Wibowo", identity_number, kib_number });
  site.eposh.days.set(first, [joko("1", "NA"), joko("2", nikOf(420, "1990-01-31")), joko("3", "-")]);
  await site.induct({ from: first, to: first });
  const { people } = (await site.post("/who", { key: "Joko Wibowo", language: "en" })).body as unknown as {
    people: WhoAnswer[];
  };
  const told = people.map(({ kib, canEnter, problems }) => ({
    kib,
    canEnter,
    codes: problems.map(({ code }) => code),
  }));
  const held = { canEnter: false, codes: ["bad_identity_number"] };
  expect(told.sort((a, b) => Number(a.kib) - Number(b.kib))).toEqual([
    { kib: "1", ...held },
    { kib: "2", canEnter: true, codes: [] },
    { kib: "3", ...held },
  ]);
});
