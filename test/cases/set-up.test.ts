import { describe, expect, test } from "bun:test";
import type { CaseList } from "../../src/operator/cases.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = nikOf(42, "1990-01-31");
const joko = (site: Site, changes: Body = {}) =>
  budi(site, { name: "Joko Wibowo", identity_number: nik, photo: null, ...changes });
const tuks = { regionals: [{ name: "TUKS", slug: "tuks" }] };
const fate = (end: string, ...warnings: string[]) => ({ end, warnings: [...warnings, "no_photo"].sort() });

test("a missing privilege group is its zone's: its people get everything else and a warning that lists the groups", async () => {
  await using site = await startSite({ prepare: ({ hikcentral }) => hikcentral.groups.delete("8") });
  expect(await site.employ(joko(site))).toEqual(fate("done", "privilege_group_missing"));
  expect(site.person(nik)).toMatchObject({ kib: "2600001", groups: ["1", "2"] });
  expect(site.output()).toContain('no privilege group 8 (regionals.tuks); HikCentral has 1 "Access Gate Zona 1"');
  const other = { identity_number: nikOf(43, "1990-01-31"), kib_number: "7", regionals: [{ slug: "zona-i" }] };
  expect(await site.employ(joko(site, other))).toEqual(fate("done"));
  expect(site.output()).not.toContain("paused:");
  // As soon as somebody has created the group, access is granted.
  site.hikcentral.groups.set("8", { name: "Access Gate TUKS", members: new Set() });
  await until(async () => (await site.employ(joko(site))).warnings.length === 1, { what: "the group to be seen" });
  expect(site.person(nik)?.groups).toEqual(["1", "2", "8"]);
});

test("also where it vanishes later", async () => {
  await using site = await startSite();
  expect(await site.employ(joko(site, { regionals: [{ slug: "zona-i" }] }))).toEqual(fate("done"));
  site.hikcentral.groups.delete("8");
  expect(await site.employ(joko(site, tuks))).toEqual(fate("done", "privilege_group_missing"));
});

test.each([
  ["is missing", (site: Site) => void site.hikcentral.customFields.splice(0, 1)],
  [
    "has another name",
    (site: Site) => Object.assign(site.hikcentral.customFields[0] ?? {}, { customFiledName: "Darah" }),
  ],
])(
  "where the KIB field %s only KIB numbers wait, and they are set by themselves once it is there",
  async (_, spoil) => {
    await using site = await startSite({ start: false });
    spoil(site);
    await site.start();
    const date = "2026-01-01";
    site.eposh.days.set(date, [joko(site)]);
    const { through, warnings } = await site.induct({ from: date, to: date });
    expect({ through, codes: warnings.map(({ code }) => code).sort() }).toEqual({
      through: 1,
      codes: ["kib_field_missing", "no_photo"],
    });
    expect(site.person(nik)).toMatchObject({ kib: "", groups: ["1", "2", "8"] });
    await until(() => /kib: .*HikCentral has .*2 "Catatan"/.test(site.output()) || site.output().includes("paused:"));
    const paused = (await site.readyz()).stages.filter(({ state }) => state === "paused").map(({ name }) => name);
    expect(paused).toEqual(["kib"]);
    site.hikcentral.customFields.splice(0, 9, { id: "1", customFiledName: "KIB", customFieldType: 1 });
    await until(() => site.person(nik)?.kib === "2600001", { what: "the KIB number" });
    const open = async () => ((await site.get("/dead")).body as unknown as CaseList).warnings.map(({ code }) => code);
    await until(async () => (await open()).join() === "no_photo", { what: "the case of the KIB number to close" });
  },
  60_000,
);

test("a NIK that was corrected in Eposh leaves two persons with one KIB number: a warning names the other one", async () => {
  await using site = await startSite();
  expect(await site.employ(joko(site))).toEqual(fate("done"));
  const corrected = joko(site, { identity_number: nikOf(43, "1990-01-31") });
  expect(await site.employ(corrected)).toEqual(fate("done", "kib_in_use"));
  expect(site.output()).toContain(`KIB 2600001 is also that of "Joko Wibowo" (person ${site.person(nik)?.personId})`);
  // Until one of them has another number.
  expect(await site.employ(joko(site, { kib_number: "77" }))).toEqual(fate("done"));
  expect(await site.employ(corrected)).toEqual(fate("done"));
});

describe("two who have one thing in common have a case each in the first run, and none once one of them is corrected:", () => {
  const date = "2026-01-01";
  const link = (site: Site, number: number) => ({
    photo: { link: `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png` },
  });
  test.each<[string, string, (site: Site) => Body, (site: Site) => Body]>([
    ["a KIB number", "kib_in_use", (site) => ({ ...link(site, 2), kib_number: "55" }), () => ({ kib_number: "56" })],
    ["a photo link", "shared_photo", (site) => ({ ...link(site, 1), kib_number: "56" }), (site) => link(site, 3)],
  ])("%s", async (_, code, second, correction) => {
    await using site = await startSite();
    const [one, two] = [
      joko(site, { ...link(site, 1), kib_number: "55" }),
      joko(site, { name: "Wati Halim", identity_number: nikOf(43, "1990-01-31"), ...second(site) }),
    ];
    const induct = async (...people: Body[]) => {
      site.eposh.days.set(date, people);
      const { warnings } = await site.induct({ from: date, to: date });
      const open = ((await site.get("/dead")).body as unknown as CaseList).warnings.flatMap(({ cases }) => cases);
      return [
        ...warnings.map((one) => `${one.code} ${one.count}`),
        ...open.map(({ name, runs }) => `${name} ${runs}`).sort(),
      ];
    };
    for (const runs of [1, 2])
      expect(await induct(one, two)).toEqual([`${code} 2`, `Joko Wibowo ${runs}`, `Wati Halim ${runs}`]);
    await induct(one, { ...two, ...correction(site) });
    expect(await induct(one, { ...two, ...correction(site) })).toEqual([]);
  });

  test("a KIB number, of which one is that of a person who was left over and is removed from HikCentral", async () => {
    await using site = await startSite();
    expect(await site.employ(joko(site))).toEqual(fate("done"));
    const other = joko(site, { identity_number: nikOf(43, "1990-01-31") });
    expect(await site.employ(other)).toEqual(fate("done", "kib_in_use"));
    site.hikcentral.persons.delete(site.person(nik)?.personId ?? "");
    expect(await site.employ(other)).toEqual(fate("done"));
  });
});

test("a KIB number of somebody who was renamed in HikCentral is in use, and the warning says the present name", async () => {
  await using site = await startSite();
  expect(await site.employ(joko(site))).toEqual(fate("done"));
  const { personId = "" } = site.person(nik) ?? {};
  Object.assign(site.hikcentral.persons.get(personId) ?? {}, { personGivenName: "Yohanes", personFamilyName: "W." });
  const other = joko(site, { name: "Wati Halim", identity_number: nikOf(43, "1990-01-31") });
  const lists = () => site.hikcentral.calls["resource/v1/person/personList"] ?? 0;
  // Everybody is listed once, and then found by the present name.
  for (const listed of [1, 1]) {
    expect(await site.employ(other)).toEqual(fate("done", "kib_in_use"));
    expect(site.output()).toContain(`KIB 2600001 is also that of "Yohanes W." (person ${personId})`);
    expect(lists()).toBe(listed);
  }
});

test("a missing organisation pauses new persons alone", async () => {
  await using site = await startSite({ env: { HIKCENTRAL_ORGANISATION: "77" } });
  const known = site.hikcentral.seed({ personCode: nik, personGivenName: "Joko", personFamilyName: "Wibowo" });
  const paused = Promise.withResolvers<string>();
  site.daemon.pipeline.onPause((stage, { text }) => paused.resolve(`${stage}: ${text}`));
  expect(await site.employ(joko(site))).toEqual(fate("done"));
  expect(known.customFields["1"]).toBe("2600001");
  const body = JSON.stringify({ employee: joko(site, { identity_number: nikOf(43, "1990-01-31") }) });
  await site.daemon.broker.publish("hikvision_create_person", [{ body, headers: {} }]);
  expect(await paused.promise).toMatch(
    /^create-person: .*no organisation 77 .*HikCentral has 1 "All Departments", 2 "Kontraktor"/,
  );
  expect(site.hikcentral.persons.size).toBe(1);
});
