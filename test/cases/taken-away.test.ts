import { describe, expect, test } from "bun:test";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";

const nik = nikOf(42, "1990-01-31");
const done = { end: "done", warnings: [] };
const taken = { end: "done", warnings: ["taken_away_in_hikcentral"] };
const takenTwice = { end: "done", warnings: ["taken_away_in_hikcentral", "taken_away_in_hikcentral"] };
const joko = (site: InProcessSite, changes: Body = {}) =>
  budi(site, { name: "Joko Wibowo", identity_number: nik, ...changes });
const on = (inducted: string) => ({ "hs-inducted": inducted });
/** HikCentral's own person, to do something behind the daemon's back. */
function personOf(site: InProcessSite) {
  const [person] = site.hikcentral.persons.values();
  if (person === undefined) throw new Error("there is nobody");
  return person;
}
/** Everything about the record is new, so that each write would show. */
const changed = (site: InProcessSite) =>
  joko(site, {
    name: "Joko Wibowo Baru",
    kib_number: "77",
    photo: { link: `${site.eposh.origin}/photos/kib/-1767600009.png` },
    regionals: [{ name: "Kawasan", slug: "kawasan" }],
  });

describe("a person with a word of guard.hands_off in the remark", () => {
  test.each(["BLOCKED by the guard", "sudah diblokir 3/1"])(
    "(%s) is left alone, also by a later induction",
    async (word) => {
      await using site = await startSite();
      expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
      const person = personOf(site);
      person.remark = `${word} ${person.remark}`;
      person.picture = undefined;
      for (const { members } of site.hikcentral.groups.values()) members.clear();
      const before = structuredClone(site.hikcentral.state().persons);
      site.deeds();
      expect(await site.employ(changed(site), on("2026-03-01"))).toEqual(takenTwice);
      expect(site.deeds()).toEqual({});
      expect(site.hikcentral.state().persons).toEqual(before);
      expect(site.output()).toMatch(/person \d+ has (BLOCKED|BLOKIR) in the remark: nothing is changed or granted/);
    },
  );

  test("whichever words the site has chosen", async () => {
    await using site = await startSite({ env: { GUARD_HANDS_OFF: "KELUAR" } });
    expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
    personOf(site).remark += " keluar";
    expect(await site.employ(changed(site), on("2026-01-02"))).toEqual(takenTwice);
    personOf(site).remark = personOf(site).remark.replace(" keluar", " BLOCKED");
    expect(await site.employ(changed(site), on("2026-01-02"))).toEqual(done);
  });
});

describe("a person whose validity has ended", () => {
  test.each(["2026-02-01T00:00:00+07:00", "2020-01-01T00:00:00+07:00"])(
    "(%s) is not extended by the record that made them, and is by a later induction",
    async (endTime) => {
      await using site = await startSite();
      expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
      const person = personOf(site);
      person.endTime = endTime;
      site.deeds();
      expect(await site.employ(changed(site), on("2026-01-01"))).toEqual(takenTwice);
      expect(await site.employ(changed(site), { "hs-fetched": "" })).toEqual(takenTwice);
      expect(site.deeds()).toEqual({});
      expect(person.endTime).toBe(endTime);
      expect(await site.employ(changed(site), on("2026-03-01"))).toEqual(done);
      expect(person.endTime).toBe("2030-12-31T23:59:59+07:00");
      expect(site.person(nik)).toMatchObject({ kib: "77", groups: ["1", "2", "8", "9"] });
    },
  );

  test("is not extended by an induction that was known before, also where it changed nothing then", async () => {
    await using site = await startSite();
    for (const date of ["2026-01-01", "2026-01-02"]) expect(await site.employ(joko(site), on(date))).toEqual(done);
    personOf(site).endTime = "2025-12-31T00:00:00+07:00";
    for (const date of ["2026-01-01", "2026-01-02"])
      expect(await site.employ(joko(site), on(date))).toEqual(takenTwice);
    expect(await site.employ(joko(site), on("2026-01-03"))).toEqual(done);
  });

  test("and has only the note of 0.1 is not extended by what that version knew", async () => {
    await using site = await startSite();
    const seeded = { personCode: nik, personGivenName: "Joko", personFamilyName: "Wibowo" };
    const remark = "[hs 20260105T010203.456Z 1a2b3c4d]";
    site.hikcentral.seed({ ...seeded, remark, endTime: "2026-01-04T00:00:00+07:00" });
    expect(await site.employ(joko(site), on("2026-01-05"))).toEqual(takenTwice);
    expect(await site.employ(joko(site), on("2026-01-06"))).toEqual(done);
  });
});

describe("a person who was taken out of a group", () => {
  test("that we granted is not granted it again, but a later induction does; the other groups are as they were", async () => {
    await using site = await startSite({ env: { HIKCENTRAL_VERIFY_FACE: "false" } });
    for (const date of ["2026-01-01", "2026-01-02"]) expect(await site.employ(joko(site), on(date))).toEqual(done);
    await site.stop();
    site.hikcentral.groups.get("8")?.members.clear();
    await site.start();
    site.deeds();
    for (const date of ["2026-01-01", "2026-01-02"]) expect(await site.employ(joko(site), on(date))).toEqual(taken);
    expect(site.deeds()).toEqual({});
    expect(site.output()).toMatch(/person \d+ was taken out of privilege group 8 in HikCentral/);
    const more = joko(site, { regionals: [{ slug: "tuks" }, { slug: "kawasan" }] });
    expect(await site.employ(more, on("2026-01-02"))).toEqual(taken);
    expect(site.person(nik)?.groups).toEqual(["1", "2", "9"]);
    expect(await site.employ(joko(site), on("2026-01-03"))).toEqual(done);
    expect(site.person(nik)?.groups).toEqual(["1", "2", "8", "9"]);
  });

  test("by a list of members that misses somebody, and not by a second one, was not taken out", async () => {
    await using site = await startSite();
    expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
    await site.stop();
    await site.start();
    site.deeds();
    const short = { kind: "short-page", match: "group/single/personList", times: 1 } as const;
    site.hikcentral.faults.set(
      ...["1", "2", "8"].map((group) => ({ ...short, holds: `"privilegeGroupId":"${group}"` })),
    );
    expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
    expect(site.deeds()).toEqual({});
    expect(site.hikcentral.faults.seen).toEqual({ "short-page": 3 });
  });

  test("that is not noted as ours is granted it, and the overwrite log says so once", async () => {
    await using site = await startSite();
    // Ordered by group: they are granted at the same time.
    const granted = (one: InProcessSite) =>
      one.daemon.ledger.rows<{ what: string; new: string }>("select what, new from overwrites order by what, new");
    site.hikcentral.seed({ personCode: nik, personGivenName: "Joko", personFamilyName: "Wibowo" });
    expect(await site.employ(joko(site), on("2026-01-01"))).toEqual(done);
    const all = ["1", "2", "8"].map((group) => ({ what: "access", new: group }));
    expect(granted(site)).toEqual(all);
    await using fresh = await startSite({ simulators: site.simulators });
    for (const { members } of site.hikcentral.groups.values()) members.clear();
    for (const _ of [1, 2]) expect(await fresh.employ(joko(site), on("2026-01-01"))).toEqual(done);
    expect(site.person(nik)?.groups).toEqual(["1", "2", "8"]);
    expect(granted(fresh)).toEqual(all);
  });

  test("is no matter of the overwrite log where the daemon made the person, also for a zone that is new", async () => {
    await using site = await startSite();
    for (const lost of [false, true]) {
      if (lost) site.hikcentral.faults.set({ kind: "lost", match: "single/add", times: 1 });
      const record = (changes: Body = {}) =>
        joko(site, { identity_number: nikOf(50 + Number(lost), "1990-01-31"), ...changes });
      expect(await site.employ(record({ regionals: [] }), on("2026-01-01"))).toMatchObject({ end: "done" });
      expect(await site.employ(record(), on("2026-01-01"))).toMatchObject({ end: "done" });
    }
    expect(site.deeds()).toMatchObject({ "single/add": 2, "single/addPersons": 6 });
    expect(site.daemon.ledger.rows("select * from overwrites where what = 'access'")).toEqual([]);
  });
});
