import { afterAll, beforeAll, expect, test } from "bun:test";
import { nikOf } from "../../src/simulator/people.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { lightPortrait } from "../support/portraits.ts";
import { budi, startSite } from "../support/site.ts";

const people = 20;
const create = "resource/v1/person/single/add";
const info = "resource/v1/person/personCode/personInfo";
const skip = { skip_unchanged: true };
const ofBudi = { from: "2026-02-01", to: "2026-02-01", ...skip };

let simulators: Simulators;
beforeAll(async () => {
  simulators = await startSimulators({ people, portrait: lightPortrait });
});
afterAll(() => simulators[Symbol.asyncDispose]());
const folder = temporaryFolder();
const site = (env: Record<string, string> = {}) => startSite({ simulators, folder, env });

/** How many records went past the publisher. */
const worked = (view: { stages: Record<string, Record<string, number>> }) => view.stages["create-person"]?.done ?? 0;

test("an unchanged record ends at the publisher and costs no call of HikCentral", async () => {
  await using own = await site();
  expect(worked(await own.induct(skip))).toBe(people);
  // The first question how many persons there are: from now on fewer ones are noticed.
  expect(await own.induct(skip)).toMatchObject({ employees: people, through: people, dead: 0, open: 0 });
  const { calls } = own.hikcentral;
  const before = structuredClone(calls);
  expect(await own.induct(skip)).toMatchObject({ employees: people, through: people, dead: 0, open: 0, warnings: [] });
  expect(calls).toEqual(before);
});

test("a zone that is no text harms nobody else of its page", async () => {
  await using own = await startSite();
  const slug = 2 ** 60;
  own.eposh.days.set("2026-02-01", [
    budi(own),
    budi(own, { identity_number: nikOf(700, "1990-01-31"), regionals: [{ slug }] }),
  ]);
  expect(await own.induct(ofBudi)).toMatchObject({ employees: 2, through: 2, dead: 0 });
});

test("an operator's trigger looks at everybody", async () => {
  await using own = await site();
  expect(worked(await own.induct())).toBe(people);
});

test("a restart keeps what is known of the records", async () => {
  await using own = await site();
  expect(worked(await own.induct(skip))).toBe(0);
});

test("a changed setting voids it", async () => {
  await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
  expect(worked(await own.induct(skip))).toBe(people);
  expect(worked(await own.induct(skip))).toBe(0);
});

test.each([
  ["name", { name: "Budi Contoh Santosa" }],
  ["KIB number", { kib_number: "2699999" }],
  ["birth date", { birth_date: { ymd: "1990-01-30" } }],
  ["zones", { regionals: [{ name: "Zona III", slug: "zona-iii" }] }],
])(
  "a record with another %s is looked at",
  async (_, change) => {
    await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
    const employee = budi(own);
    own.eposh.days.set("2026-02-01", [employee]);
    await own.induct(ofBudi);
    expect(worked(await own.induct(ofBudi))).toBe(0);
    own.eposh.days.set("2026-02-01", [{ ...employee, ...change }]);
    expect(worked(await own.induct(ofBudi))).toBe(1);
  },
  30_000,
);

test.each([
  ["the same zones in another order", { regionals: budi({ eposh: { origin: "" } } as never).regionals.toReversed() }],
  ["a phone number", { phone_number: "0800000001" }],
])("a record with %s is unchanged", async (_, change) => {
  await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
  const employee = budi(own);
  own.eposh.days.set("2026-02-01", [employee]);
  await own.induct(ofBudi);
  own.eposh.days.set("2026-02-01", [{ ...employee, ...change }]);
  expect(worked(await own.induct(ofBudi))).toBe(0);
  const signed = { link: `${employee.photo.link}?signature=1` };
  own.eposh.days.set("2026-02-01", [{ ...employee, ...change, photo: signed }]);
  expect(worked(await own.induct(ofBudi))).toBe(0);
});

test("whoever has a problem that no change of the record cures is looked at again, another one is not", async () => {
  await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
  own.eposh.days.set("2026-02-01", [budi(own, { kib_number: "" })]);
  await own.induct(ofBudi);
  expect(worked(await own.induct(ofBudi))).toBe(0);
  const group = own.hikcentral.groups.get("8");
  own.hikcentral.groups.delete("8");
  own.eposh.days.set("2026-02-01", [budi(own, { kib_number: null })]);
  await own.stop();
  await own.start();
  await own.induct(ofBudi);
  expect(worked(await own.induct(ofBudi))).toBe(1);
  if (group) own.hikcentral.groups.set("8", group);
});

test("with fewer persons in HikCentral than before everybody is looked at, and whole again", async () => {
  await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
  await own.induct(skip);
  expect(worked(await own.induct(skip))).toBe(0);
  const [first] = own.hikcentral.persons.keys();
  own.hikcentral.persons.delete(first ?? "");
  await own.stop();
  await own.start();
  const before = own.hikcentral.calls[create] ?? 0;
  expect(worked(await own.induct(skip))).toBe(people);
  expect(own.hikcentral.calls[create]).toBe(before + 1);
});

test("where HikCentral does not say how many persons it has nobody is skipped", async () => {
  await using own = await site({ HIKCENTRAL_VALID_UNTIL: "2031-12-31" });
  own.hikcentral.faults.set({ kind: "answer", match: "person/personList", body: '{"code":"69"}' });
  const before = own.hikcentral.calls[info] ?? 0;
  expect(worked(await own.induct(skip))).toBe(people);
  own.hikcentral.faults.set();
  expect(own.hikcentral.calls[info]).toBeGreaterThan(before);
});
