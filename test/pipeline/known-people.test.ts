import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = "3500003101900001";
const personInfo = "person/personCode/personInfo";
const says = (code: string, match: string, times = 1) =>
  instead(code, `{"code":"${code}","msg":"Operation failed","data":""}`, { match, times });
const done = { end: "done", warnings: [] };

/** A Budi whom somebody at HikCentral made by hand, with all that Eposh does not know. */
const byHand = {
  personCode: nik,
  personGivenName: "Budi",
  personFamilyName: "Santoso",
  orgIndexCode: "2",
  phoneNo: "0800000001",
  email: "budi@contoh.example",
  remark: "kunci 7",
  cards: [{ cardNo: "4711" }],
  keyfobs: [{ keyfobNo: "12" }],
  beginTime: "2020-01-01T00:00:00+07:00",
  endTime: "2035-12-31T23:59:59+07:00",
};

function seed(site: InProcessSite, changes: Body = {}) {
  const person = site.hikcentral.seed({ ...byHand, ...changes });
  person.picture = Buffer.from("a picture");
  return person;
}

describe("an employee who is not in HikCentral", () => {
  test("becomes one person with a face, a KIB number and their zones, in one add and no update", async () => {
    await using site = await startSite();
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.person(nik)).toMatchObject({
      personGivenName: "Budi",
      personFamilyName: "Contoh Santoso",
      hasFace: true,
      kib: "2600001",
      groups: ["1", "2", "8"],
    });
    expect(site.deeds()).toEqual({
      "single/add": 1,
      "personId/customFieldsUpdate": 1,
      "single/addPersons": 3,
      photo: 1,
    });
  });

  test("is looked up after an add that answered 131, and brought up to date", async () => {
    await using site = await startSite();
    seed(site);
    site.hikcentral.faults.set(says("128", personInfo));
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.person(nik)).toMatchObject({
      personFamilyName: "Contoh Santoso",
      phoneNo: "0800000001",
      hasFace: true,
    });
    expect(site.hikcentral.persons.size).toBe(1);
  });

  test("is a dead letter where the add answers 131 and nobody is found", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set(says("131", "single/add", 100));
    expect(await site.employ(budi(site))).toEqual({ end: "person_not_visible", warnings: [] });
    expect(site.output()).toContain("let the partner see its organisation");
  });

  test("is one person where the answer to the add is lost", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "lost", match: "single/add", times: 1 });
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.hikcentral.faults.seen).toEqual({ lost: 1 });
    expect(site.deeds()).toMatchObject({ "single/add": 1 });
    expect(site.person(nik)).toMatchObject({ hasFace: true, kib: "2600001", groups: ["1", "2", "8"] });
  });

  test("delivered several times at once becomes one person", async () => {
    await using site = await startSite();
    const employee = budi(site);
    expect(await Promise.all([1, 2, 3].map(() => site.employ(employee)))).toEqual([done, done, done]);
    expect(site.deeds()).toEqual({
      "single/add": 1,
      "personId/customFieldsUpdate": 1,
      "single/addPersons": 3,
      photo: 1,
    });
  });
});

describe("a face", () => {
  test.each(["2", "128"] as const)("refused with code %s leaves a person without one, and a warning", async (code) => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "bad-face", code, times: 1 });
    expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: ["face_refused"] });
    expect(site.person(nik)).toMatchObject({ hasFace: false, kib: "2600001", groups: ["1", "2", "8"] });
    expect(site.deeds()).toMatchObject({ "single/add": 2 });
  });

  test("taken without a picture is sent once more", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "bad-face", code: "0", times: 1 });
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.person(nik)?.hasFace).toBe(true);
    expect(site.deeds()).toMatchObject({ "single/add": 1, "face/update": 1 });
  });

  test("taken twice without a picture is a warning", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "bad-face", code: "0", times: 2 });
    expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: ["face_not_stored"] });
    expect(site.deeds()).toMatchObject({ "single/add": 1, "face/update": 1 });
  });

  test("that is missing is sent at the next delivery, and one that is there is not", async () => {
    await using site = await startSite();
    await site.employ(budi(site));
    const [person] = site.hikcentral.persons.values();
    if (person) person.picture = undefined;
    site.deeds();
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.deeds()).toEqual({ "face/update": 1, photo: 1 });
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.deeds()).toEqual({});
  });

  test("behind another link than the one last sent is sent once", async () => {
    await using site = await startSite();
    await site.employ(budi(site));
    site.deeds();
    const photo = { link: `${site.eposh.origin}/photos/kib/-1767600009.png` };
    expect(await site.employ(budi(site, { photo }))).toEqual(done);
    expect(site.deeds()).toEqual({ "face/update": 1, "single/update": 1, photo: 1 });
    expect(await site.employ(budi(site, { photo }))).toEqual(done);
    expect(site.deeds()).toEqual({});
  });

  test("that stays refused does not keep the person from their KIB number and zones", async () => {
    await using site = await startSite();
    seed(site).picture = undefined;
    site.hikcentral.faults.set({ kind: "bad-face", code: "2" });
    expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: ["face_refused"] });
    expect(site.person(nik)).toMatchObject({ hasFace: false, kib: "2600001", groups: ["1", "2", "8"] });
  });

  test.each(["is made with it", "is there without one"])(
    "that is refused where the person %s is not sent again, until the picture changes or the operator asks for it",
    async (how) => {
      await using site = await startSite();
      if (how === "is there without one") seed(site).picture = undefined;
      site.eposh.days.set("2026-01-01", [budi(site)]);
      const dates = { from: "2026-01-01", to: "2026-01-01" };
      const refused = { through: 1, warnings: [{ code: "face_refused", count: 1 }] };
      site.hikcentral.faults.set({ kind: "bad-face", code: "2" });
      expect(await site.induct(dates)).toMatchObject(refused);
      const faces = () => site.hikcentral.writes.filter(({ code }) => code === "2").length;
      expect(faces()).toBe(1);
      site.deeds();
      for (const _ of [1, 2]) expect(await site.induct(dates)).toMatchObject(refused);
      expect(site.deeds()).toEqual({});
      // The same picture under another link is fetched, and not sent.
      const signed = budi(site, { photo: { link: `${budi(site).photo.link}?signature=b` } });
      site.eposh.days.set("2026-01-01", [signed]);
      expect(await site.induct(dates)).toMatchObject(refused);
      expect({ deeds: site.deeds(), faces: faces() }).toEqual({ deeds: { photo: 1 }, faces: 1 });
      expect(await site.induct({ ...dates, refresh_faces: true })).toMatchObject(refused);
      expect(faces()).toBe(2);
      site.hikcentral.faults.set();
      const other = budi(site, { photo: { link: `${site.eposh.origin}/photos/kib/-1767600009.png` } });
      site.eposh.days.set("2026-01-01", [other]);
      expect(await site.induct(dates)).toMatchObject({ through: 1, warnings: [] });
      expect(site.person(nik)?.hasFace).toBe(true);
    },
  );
});

describe("what somebody changes in HikCentral", () => {
  // Of a photo that must come the stage has patience.
  const env = { PHOTO_REQUIRED: "true" };
  const slow = { kind: "slow", minMs: 2_300, maxMs: 2_300, times: 1 } as const;

  test("while a slow photo comes is not undone by the update", async () => {
    await using site = await startSite({ env });
    const person = seed(site);
    person.picture = undefined;
    site.eposh.faults.set({ ...slow, match: "/photos/" });
    const working = site.employ(budi(site));
    await until(() => (site.eposh.faults.seen.slow ?? 0) > 0, { what: "the photo to be asked for" });
    Object.assign(person, { phoneNo: "0800000002", remark: "kunci 8" });
    expect(await working).toEqual(done);
    expect(person).toMatchObject({ phoneNo: "0800000002", personFamilyName: "Contoh Santoso" });
    expect(person.remark).toStartWith("kunci 8 [hs2 ");
    expect(site.deeds()).toMatchObject({ photo: 1, "face/update": 1, "single/update": 1 });
  });

  test("while a slow HikCentral takes the face is not undone either, and the face is sent once", async () => {
    await using site = await startSite();
    const person = seed(site);
    site.hikcentral.faults.set({ ...slow, match: "face/update" });
    const working = site.employ(budi(site));
    await until(() => (site.hikcentral.faults.seen.slow ?? 0) > 0, { what: "the face to be sent" });
    person.phoneNo = "0800000002";
    expect(await working).toEqual(done);
    expect(person).toMatchObject({ phoneNo: "0800000002", personFamilyName: "Contoh Santoso" });
    expect(site.deeds()).toMatchObject({ photo: 1, "face/update": 1, "single/update": 1 });
  });

  test("while a slow photo comes ends the update where the person is somebody else by then", async () => {
    await using site = await startSite({ env });
    const person = seed(site);
    person.picture = undefined;
    site.eposh.faults.set({ ...slow, match: "/photos/" });
    const working = site.employ(budi(site));
    await until(() => (site.eposh.faults.seen.slow ?? 0) > 0, { what: "the photo to be asked for" });
    Object.assign(person, { personGivenName: "Wati", personFamilyName: "Halim" });
    expect(await working).toEqual({ end: "identity_conflict", warnings: [] });
    expect(site.deeds()).toEqual({ photo: 1 });
  });
});

describe("a person made by hand", () => {
  test("keeps all that Eposh does not know, and takes name, face, KIB number and zones", async () => {
    await using site = await startSite();
    const person = seed(site);
    expect(await site.employ(budi(site))).toEqual(done);
    const { personId, picture, customFields, ...kept } = person;
    expect<object>(kept).toEqual({
      ...byHand,
      gender: 0,
      personFamilyName: "Contoh Santoso",
      remark: expect.stringMatching(/^kunci 7 \[hs2 - \d{8}T\d{6}\.\d{3}Z [0-9a-f]{8}\]$/),
    });
    expect(picture?.subarray(0, 2)).toEqual(Buffer.from("ffd8", "hex"));
    expect(site.person(nik)).toMatchObject({ personId, kib: "2600001", groups: ["1", "2", "8"] });
  });

  test("whose validity ends earlier has it extended", async () => {
    await using site = await startSite({ env: { HIKCENTRAL_VALID_UNTIL: "2030-12-31" } });
    const person = seed(site, { endTime: "2029-06-30T23:59:59+07:00" });
    expect(await site.employ(budi(site))).toEqual(done);
    expect(person).toMatchObject({ beginTime: byHand.beginTime, endTime: "2030-12-31T23:59:59+07:00" });
  });

  test.each([
    ["later", "2035-12-31T23:59:59+07:00"],
    ["in a format that cannot be read", "31/12/2026 23:59"],
    ["in one that could be read in two ways", "05/01/2026"],
  ])("whose validity ends %s has it left alone", async (_, endTime) => {
    await using site = await startSite({ env: { HIKCENTRAL_VALID_UNTIL: "2030-12-31" } });
    const person = seed(site, { personFamilyName: "Contoh Santoso" });
    person.endTime = endTime;
    expect(await site.employ(budi(site, { photo: null }))).toEqual(done);
    expect(site.deeds()).not.toHaveProperty("single/update");
    expect(person.endTime).toBe(endTime);
  });

  test.each([
    ["without an offset", "2035-12-31 23:59:59", "2035-12-31T23:59:59+07:00"],
    ["in UTC", "2035-12-31T16:59:59Z", "2035-12-31T23:59:59+07:00"],
    ["of another offset", "2035-12-31T23:59:59+08:00", "2035-12-31T23:59:59+08:00"],
  ])("whose validity is given %s has it sent back as HikCentral takes it", async (_, given, sent) => {
    await using site = await startSite();
    const person = seed(site);
    person.endTime = given;
    expect(await site.employ(budi(site))).toEqual(done);
    expect(person).toMatchObject({ beginTime: byHand.beginTime, endTime: sent, personFamilyName: "Contoh Santoso" });
  });

  test("with not one word of the name in common is a dead letter, and nothing of them changes", async () => {
    await using site = await startSite();
    const person = seed(site, { personGivenName: "Wati", personFamilyName: "Halim" });
    const before = structuredClone(person);
    expect(await site.employ(budi(site))).toEqual({ end: "identity_conflict", warnings: [] });
    expect(person).toEqual(before);
    expect(site.deeds()).toEqual({});
  });

  test("whom HikCentral shows with the whole name alone is the same person, and not updated for it", async () => {
    await using site = await startSite();
    const { personId } = seed(site);
    const { personGivenName: _, personFamilyName: __, ...others } = byHand;
    const kept = {
      ...others,
      personPhoto: { picUri: "1" },
      customFieldList: [{ id: "1", customFieldValue: "2600001" }],
    };
    const shown = { personId, personName: "Budi Contoh Santoso", ...kept };
    site.hikcentral.faults.set(instead("shown", JSON.stringify({ code: "0", data: shown }), { match: personInfo }));
    expect(await site.employ(budi(site, { photo: null }))).toEqual(done);
    expect(site.deeds()).toEqual({ "single/addPersons": 3 });
  });

  test("is updated by nobody where nothing differs", async () => {
    await using site = await startSite();
    seed(site, { personFamilyName: "Contoh Santoso" });
    await site.employ(budi(site, { photo: null }));
    site.deeds();
    expect(await site.employ(budi(site, { photo: null }))).toEqual(done);
    expect(site.deeds()).toEqual({});
  });

  test("with a remark that leaves no room keeps it, and takes each other photo once", async () => {
    await using site = await startSite();
    const remark = "x".repeat(120);
    const person = seed(site, { remark });
    const photo = { link: `${site.eposh.origin}/photos/kib/-1767600009.png` };
    for (const changes of [{}, { photo }]) {
      site.deeds();
      expect(await site.employ(budi(site, changes))).toEqual(done);
      expect(site.deeds()).toMatchObject({ "face/update": 1, photo: 1 });
      expect(await site.employ(budi(site, changes))).toEqual(done);
      expect(site.deeds()).toEqual({});
    }
    expect(person.remark).toBe(remark);
  });

  test("and no room has a photo sent again that could not be fetched the first time", async () => {
    await using site = await startSite();
    seed(site, { remark: "x".repeat(120) });
    site.eposh.faults.set(instead("away", "", { status: 500, match: "/photos/", times: 1 }));
    expect(await site.employ(budi(site))).toEqual(done);
    expect(site.deeds()).toMatchObject({ "face/update": 1, photo: 1 });
  });
});

describe("an answer that is lost after the work was done", () => {
  test.each(["single/update", "face/update", "customFieldsUpdate", "addPersons"])(
    "of %s changes nothing of the end",
    async (match) => {
      await using site = await startSite();
      seed(site, { endTime: "2029-06-30T23:59:59+07:00" });
      site.hikcentral.faults.set({ kind: "lost", match, times: 1 });
      expect(await site.employ(budi(site))).toEqual(done);
      expect(site.hikcentral.faults.seen).toEqual({ lost: 1 });
      expect(site.hikcentral.persons.size).toBe(1);
      expect(site.person(nik)).toMatchObject({
        personFamilyName: "Contoh Santoso",
        endTime: "2030-12-31T23:59:59+07:00",
        cards: byHand.cards,
        hasFace: true,
        kib: "2600001",
        groups: ["1", "2", "8"],
      });
      site.deeds();
      expect(await site.employ(budi(site))).toEqual(done);
      expect(site.deeds()).toEqual({});
    },
  );
});

describe("KIB number and access", () => {
  test("another KIB number overwrites the one that is there", async () => {
    await using site = await startSite();
    await site.employ(budi(site));
    expect(await site.employ(budi(site, { kib_number: 2600099 }))).toEqual(done);
    expect(site.person(nik)?.kib).toBe("2600099");
  });

  test.each([undefined, null, "", "  "])(
    "KIB number %p leaves the field, grants access and warns",
    async (kib_number) => {
      await using site = await startSite();
      seed(site).customFields["1"] = "77";
      expect(await site.employ(budi(site, { kib_number }))).toEqual({ end: "done", warnings: ["no_kib"] });
      expect(site.person(nik)).toMatchObject({ kib: "77", groups: ["1", "2", "8"] });
    },
  );

  test("access is only ever added", async () => {
    await using site = await startSite();
    await site.employ(budi(site));
    const regionals = [{ name: "Kawasan", slug: "kawasan" }];
    expect(await site.employ(budi(site, { regionals }))).toEqual(done);
    expect(site.person(nik)?.groups).toEqual(["1", "2", "8", "9"]);
  });

  test("an unknown zone is a warning, and the others are granted", async () => {
    await using site = await startSite();
    const regionals = [
      { name: "Zona IX", slug: "zona-ix" },
      { name: "TUKS", slug: "tuks" },
    ];
    expect(await site.employ(budi(site, { regionals }))).toEqual({ end: "done", warnings: ["unknown_regional"] });
    expect(site.person(nik)?.groups).toEqual(["8"]);
  });
});

describe("data that Eposh gave later wins, in whatever order it is worked on", () => {
  const old = "2026-01-05T01:00:00.000Z";
  const mid = "2026-01-05T02:00:00.000Z";
  const late = "2026-01-05T03:00:00.000Z";
  const link = (site: InProcessSite, number: number) => ({ link: `${site.eposh.origin}/photos/kib/-${number}.png` });
  const a = (site: InProcessSite) => budi(site, { name: "Budi Awal", kib_number: "1", photo: link(site, 1) });
  const b = (site: InProcessSite) =>
    budi(site, {
      name: "Budi Awal Baru",
      kib_number: "2",
      photo: link(site, 2),
      regionals: [{ name: "Kawasan", slug: "kawasan" }],
    });
  test.each([
    [
      "A then B",
      [
        [a, old],
        [b, late],
      ],
      b,
    ],
    [
      "B before the older A",
      [
        [b, late],
        [a, old],
      ],
      b,
    ],
    [
      "A, the same A again, then the B that came between",
      [
        [a, old],
        [a, late],
        [b, mid],
      ],
      a,
    ],
    [
      "A late, then B, then the older A",
      [
        [a, late],
        [b, mid],
        [a, old],
      ],
      a,
    ],
  ] as const)("%s", async (_, order, winner) => {
    await using site = await startSite();
    for (const [employee, fetched] of order) {
      expect(await site.employ(employee(site), { "hs-fetched": fetched })).toEqual(done);
    }
    await using straight = await startSite();
    await straight.employ({ ...winner(site), photo: winner(straight).photo });
    const wanted = straight.person(nik);
    expect(site.person(nik)).toMatchObject({
      personFamilyName: wanted?.personFamilyName ?? "",
      kib: wanted?.kib ?? "",
      hasFace: true,
      groups: ["1", "2", "8", "9"],
    });
    const [picture, right] = [site, straight].map(({ hikcentral }) => [...hikcentral.persons.values()][0]?.picture);
    expect(picture).toEqual(right);
  });

  test("also where the daemon has lost its ledger: HikCentral itself remembers", async () => {
    await using site = await startSite();
    expect(await site.employ(b(site), { "hs-fetched": late })).toEqual(done);
    await using fresh = await startSite({ simulators: site.simulators });
    expect(await fresh.employ(a(site), { "hs-fetched": old })).toEqual(done);
    expect(site.person(nik)).toMatchObject({ personFamilyName: "Awal Baru", kib: "2", groups: ["1", "2", "8", "9"] });
  });

  test("a replayed KIB message does not bring an older number back", async () => {
    await using site = await startSite();
    await site.employ(budi(site, { kib_number: "2" }), { "hs-fetched": late });
    const { personId = "" } = site.person(nik) ?? {};
    const { photo: _, birth_date: __, ...employee } = budi(site, { kib_number: "1" });
    const message = { personId, kib_number: "1", employee };
    expect(await site.work("hikvision_update_kib", message, { "hs-fetched": old, "hs-attempt": "1" })).toEqual(done);
    expect(site.person(nik)?.kib).toBe("2");
  });
});

describe("a message with the number of a person who is somebody else by now comes", () => {
  const failure = JSON.stringify([{ at: "2026-01-05T01:00:00.000Z", stage: "update-kib", code: "x", text: "x" }]);
  const again = { "hs-failure": failure, "hs-code": nik };

  test("again is a dead letter of update-kib, and writes nothing", async () => {
    await using site = await startSite();
    await site.employ(budi(site));
    const other = site.hikcentral.seed({ ...byHand, personCode: "3500003101900002" });
    site.deeds();
    const { photo: _, birth_date: __, ...employee } = budi(site);
    const message = { personId: other.personId, kib_number: "2600001", employee };
    expect((await site.work("hikvision_update_kib", message, again)).end).toBe("person_changed");
    expect(site.deeds()).toEqual({});
  });

  test.each([
    ["again", again],
    ["for the first time, from before a restore of HikCentral", { "hs-code": nik }],
  ])("%s is a dead letter of assign-privilege, and opens no gate", async (_, headers) => {
    await using site = await startSite();
    await site.employ(budi(site));
    const other = site.hikcentral.seed({ ...byHand, personCode: "3500003101900002" });
    site.deeds();
    const message = { personId: other.personId, privilege_groups: ["9"] };
    expect((await site.work("hikvision_assign_privilege", message, headers)).end).toBe("person_changed");
    expect(site.deeds()).toEqual({});
  });
});

test("a full licence pauses, with the employee kept", async () => {
  await using site = await startSite();
  site.hikcentral.faults.set(refusals.licence);
  const paused = Promise.withResolvers<string>();
  site.daemon.pipeline.onPause((stage) => paused.resolve(stage));
  const through = site.employ(budi(site));
  expect(await paused.promise).toBe("create-person");
  expect(site.output()).toContain("HikCentral has no licence, or no room for more persons");
  site.hikcentral.faults.set();
  expect(await through).toEqual(done);
});
