import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { portrait } from "../../src/simulator/pictures.ts";
import { freePort } from "../support/rabbitmq.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = "3500003101900001";
const atOnce = { timeoutMs: 30_000 };

const linkOf = (site: InProcessSite, kind: string, number: number) =>
  `${site.eposh.origin}/photos/${kind}/-${1_767_600_000 + number}.png`;
const person = (site: InProcessSite, number: number, changes: Body = {}) =>
  budi(site, {
    identity_number: nikOf(number, "1990-01-31"),
    kib_number: String(2_600_000 + number),
    photo: { link: linkOf(site, "kib", number) },
    ...changes,
  });
const faces = (site: InProcessSite) => site.hikcentral.state().persons.filter(({ hasFace }) => hasFace).length;
const refused = (status: number, more = {}) => instead("refused", "", { status, match: "/photos/", ...more });

describe("no photo trouble keeps anybody waiting:", () => {
  test("a photo link to a dead port: both become persons at once, the first one without a face", async () => {
    await using site = await startSite();
    const link = `http://127.0.0.1:${await freePort()}/1.jpg`;
    site.eposh.days.set("2026-01-01", [person(site, 1, { photo: { link } })]);
    site.eposh.days.set("2026-01-03", [person(site, 2, { photo: null }), person(site, 3)]);
    const view = await site.induct({ from: "2026-01-01", to: "2026-01-03" });
    expect(view).toMatchObject({ employees: 3, through: 3, dead: 0 });
    expect(site.atTheGate()).toHaveLength(3);
    expect(faces(site)).toBe(1);
    expect((await site.readyz()).ready).toBe(true);
  });

  test("a photo host that is not allowed: his case, with name and KIB; everybody else passes", async () => {
    await using site = await startSite();
    const link = "https://drive.google.com/file/d/made-up/view";
    site.eposh.days.set("2026-01-01", [person(site, 1, { photo: { link } }), person(site, 2)]);
    const view = await site.induct({ from: "2026-01-01", to: "2026-01-01" });
    expect(view).toMatchObject({ through: 2, dead: 0, warnings: [{ code: "photo_host_not_allowed", count: 1 }] });
    expect(view.warnings[0]?.text).toContain('"Budi Contoh Santoso" (KIB 2600001) has no face: photos come from drive');
    expect(site.atTheGate()).toHaveLength(2);
    expect(faces(site)).toBe(1);
  });

  test.each([403, 400, 401])("a photo that answers %d: person without face, case no_photo", async (status) => {
    await using site = await startSite({ env: { PHOTO_GIVE_UP_AFTER: "1s" } });
    site.eposh.faults.set(refused(status));
    expect(await site.employ(person(site, 1))).toEqual({ end: "done", warnings: [] });
    expect(site.atTheGate()).toHaveLength(1);
    const isCase = () => site.entries.find(({ stage, outcome }) => stage === "face" && outcome === "dead");
    const { failure } = await until(isCase, { what: "the case" });
    expect(failure).toEqual({ code: "no_photo", text: expect.stringContaining("trigger the date again") });
    expect(await site.bodies("hikvision_face.dead")).toHaveLength(1);
    expect((await site.readyz()).ready).toBe(true);
  });

  test("40 of 40 photos answer 403: 40 persons with KIB and access; the photos come back: 40 faces by themselves", async () => {
    await using site = await startSite({ env: { BROKER_RETRY_DELAYS: "1s,2s,5s,10s" } });
    site.eposh.faults.set(refused(403));
    const people = Array.from({ length: 40 }, (_, at) => person(site, at + 1));
    site.eposh.days.set("2026-01-01", people);
    const view = await site.induct({ from: "2026-01-01", to: "2026-01-01" });
    expect(view).toMatchObject({ employees: 40, through: 40, dead: 0 });
    expect(site.atTheGate()).toHaveLength(40);
    expect(faces(site)).toBe(0);
    site.eposh.faults.set();
    await until(() => faces(site) === 40, { what: "40 faces" });
    expect(await site.bodies("hikvision_face.dead")).toEqual([]);
  });

  test("the photo host is down: nobody waits, readiness stays green, and the faces come with the host", async () => {
    await using site = await startSite();
    site.eposh.faults.set({ kind: "reset", match: "/photos/" });
    const people = Array.from({ length: 30 }, (_, at) => person(site, at + 1));
    site.eposh.days.set("2026-01-01", people);
    const startedAt = performance.now();
    expect(await site.induct({ from: "2026-01-01", to: "2026-01-01" })).toMatchObject({ through: 30, dead: 0 });
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(site.atTheGate()).toHaveLength(30);
    const { ready, stages } = await site.readyz();
    expect({ ready, working: stages.find(({ name }) => name === "create-person")?.state }).toEqual({
      ready: true,
      working: "working",
    });
    site.eposh.faults.set();
    await until(() => faces(site) === 30, { what: "30 faces" });
  }, 90_000);

  test("a photo that hangs costs its person the wait of a moment, and the face follows", async () => {
    await using site = await startSite();
    site.eposh.faults.set({ kind: "hang", match: linkOf(site, "kib", 1).slice(site.eposh.origin.length), times: 1 });
    expect(await site.employ(person(site, 1))).toEqual({ end: "done", warnings: [] });
    expect(site.atTheGate()).toHaveLength(1);
    await until(() => faces(site) === 1, { ...atOnce, what: "the face" });
  });
});

describe("a face that follows", () => {
  /** Where the face waits: its person is made, and the photo host fails until the test lets it go. */
  async function waiting(site: InProcessSite, employee: Body) {
    await site.post("/stages/face/pause");
    site.eposh.faults.set(refused(503));
    expect(await site.employ(employee)).toEqual({ end: "done", warnings: [] });
    site.eposh.faults.set();
  }
  async function ending(site: InProcessSite) {
    await site.post("/stages/face/resume");
    const last = () => site.entries.findLast(({ stage, outcome }) => stage === "face" && outcome !== "retry");
    return await until(last, { what: "the face to be through" });
  }
  const only = (site: InProcessSite) => [...site.hikcentral.persons.values()][0];

  test("is counted by no run, and is remembered: a further run sends it again to nobody", async () => {
    await using site = await startSite();
    site.eposh.faults.set(refused(503));
    site.eposh.days.set("2026-01-01", [person(site, 1)]);
    const dates = { from: "2026-01-01", to: "2026-01-01" };
    const view = await site.induct(dates);
    expect(view).toMatchObject({ employees: 1, through: 1 });
    site.eposh.faults.set();
    await until(() => faces(site) === 1, { ...atOnce, what: "the face" });
    await until(async () => (await site.left()) === 0, { what: "the face to be through" });
    expect((await site.get(`/runs/${view.run}`)).body).toMatchObject({ employees: 1, through: 1, dead: 0, open: 0 });
    site.deeds();
    await site.induct(dates);
    expect(site.deeds()).toEqual({});
  });

  test("leaves a picture that a guard uploaded meanwhile", async () => {
    await using site = await startSite();
    await waiting(site, person(site, 1));
    const byHand = new Uint8Array(portrait(7));
    Object.assign(only(site) ?? {}, { picture: byHand });
    expect(await ending(site)).toMatchObject({ outcome: "ended" });
    expect(only(site)?.picture).toBe(byHand);
  });

  test("leaves a picture that a guard uploads while the photo is on its way", async () => {
    await using site = await startSite();
    await waiting(site, person(site, 1));
    const path = linkOf(site, "kib", 1).slice(site.eposh.origin.length);
    site.eposh.faults.set({ kind: "slow", match: path, minMs: 1_000, maxMs: 1_000 });
    const isAsked = () => (site.eposh.faults.seen.slow ?? 0) > 0;
    const ended = ending(site);
    await until(isAsked, { what: "the photo to be asked for" });
    const byHand = new Uint8Array(portrait(7));
    Object.assign(only(site) ?? {}, { picture: byHand });
    expect(await ended).toMatchObject({ outcome: "ended" });
    expect(only(site)?.picture).toBe(byHand);
  });

  test("ends where a later record came meanwhile", async () => {
    await using site = await startSite();
    await site.post("/stages/face/pause");
    site.eposh.faults.set(refused(503));
    const [earlier, later] = ["2026-01-05", "2026-01-06"].map((day) => ({
      "hs-inducted": day,
      "hs-fetched": `${day}T08:00:00.000Z`,
    }));
    await site.employ(person(site, 1), earlier);
    site.eposh.faults.set();
    await site.employ(person(site, 1, { photo: null }), later);
    // HikCentral's note names the later record only where something of it was written.
    await site.employ(person(site, 1, { photo: null, name: "Budi Contoh Santosa" }), later);
    expect(await ending(site)).toMatchObject({
      outcome: "ended",
      failure: { text: expect.stringContaining("later record") },
    });
    expect(faces(site)).toBe(0);
  });

  test("ends where the person is somebody else by then", async () => {
    await using site = await startSite();
    await waiting(site, person(site, 1));
    Object.assign(only(site) ?? {}, { personGivenName: "Siti", personFamilyName: "Aminah" });
    expect(await ending(site)).toMatchObject({
      outcome: "ended",
      failure: { text: expect.stringContaining("another human being") },
    });
    expect(faces(site)).toBe(0);
  });

  test("replaces the old face of a person whose new photo could not be had", async () => {
    await using site = await startSite();
    await site.employ(person(site, 1));
    const before = only(site)?.picture;
    await waiting(site, person(site, 1, { photo: { link: linkOf(site, "kib", 2) } }));
    expect(only(site)?.picture).toBe(before);
    expect(await ending(site)).toMatchObject({ outcome: "done" });
    expect(only(site)?.picture).not.toEqual(before);
  });

  test("is given up after photo.give_up_after, with what to do", async () => {
    await using site = await startSite({ env: { PHOTO_GIVE_UP_AFTER: "3s" } });
    site.eposh.faults.set(refused(500));
    await site.employ(person(site, 1));
    const isDead = () => site.entries.find(({ stage, outcome }) => stage === "face" && outcome === "dead");
    const { failure, attempt } = await until(isDead, { what: "the case" });
    expect(failure).toEqual({ code: "no_photo", text: expect.stringContaining("trigger the date again") });
    // The schedule of the site has three delays.
    expect(attempt).toBeGreaterThan(3);
  });
});

describe("the picture is remembered and not its link:", () => {
  test("the same picture under a new link is not sent again, also by a daemon that has lost its memory", async () => {
    await using site = await startSite();
    await site.employ(person(site, 1));
    site.deeds();
    const again = (query: string) =>
      site.employ(person(site, 1, { photo: { link: `${linkOf(site, "kib", 1)}?signature=${query}` } }));
    await again("a");
    expect(site.deeds()).toEqual({ photo: 1 });
    await again("a");
    expect(site.deeds()).toEqual({});
    for (const table of ["links", "faces"]) site.daemon.ledger.rows(`delete from ${table}`);
    await again("a");
    expect(site.deeds()).toEqual({ photo: 1 });
  });

  test("another picture under a new link is sent", async () => {
    await using site = await startSite();
    await site.employ(person(site, 1));
    site.deeds();
    await site.employ(person(site, 1, { photo: { link: linkOf(site, "kib", 2) } }));
    expect(site.deeds()).toEqual({ photo: 1, "face/update": 1, "single/update": 1 });
  });

  test("another picture under the same link is sent where the trigger asks for it (refresh_faces)", async () => {
    await using site = await startSite();
    site.eposh.days.set("2026-01-01", [person(site, 1)]);
    const dates = { from: "2026-01-01", to: "2026-01-01" };
    await site.induct(dates);
    const other = new Uint8Array(portrait(1_767_600_002));
    site.eposh.pictures.set(linkOf(site, "kib", 1).slice(site.eposh.origin.length), other);
    site.deeds();
    await site.induct(dates);
    expect(site.deeds()).toEqual({});
    await site.induct({ ...dates, refresh_faces: true });
    expect(site.deeds()).toEqual({ photo: 1, "face/update": 1, "single/update": 1 });
    await site.induct({ ...dates, refresh_faces: true });
    expect(site.deeds()).toEqual({ photo: 1 });
  });
});

describe("where photo.required is set", () => {
  const env = { PHOTO_REQUIRED: "true" };
  test.each([
    ["no link", { photo: null }],
    ["nothing behind the link", { photo: "missing" }],
    ["a page behind it", { photo: "page" }],
  ])("an employee with %s is a dead letter that says what to do, and no person", async (_, { photo }) => {
    await using site = await startSite({ env });
    const link = photo && { link: `${site.eposh.origin}/photos/${photo}/-1767600000.png` };
    expect((await site.employ(budi(site, { photo: link }))).end).toBe("no_photo");
    expect(site.hikcentral.persons.size).toBe(0);
    expect(site.output()).toContain("upload a photo in Eposh and trigger the date again (dead letter)");
  });

  test("an expired link is in the end a dead letter no_photo, and keeps nobody else", async () => {
    await using site = await startSite({ env });
    site.eposh.faults.set(refused(403, { match: linkOf(site, "kib", 1).slice(site.eposh.origin.length) }));
    expect((await site.employ(person(site, 1))).end).toBe("no_photo");
    expect(await site.employ(person(site, 2))).toEqual({ end: "done", warnings: [] });
  });

  test("whoever has a face already goes on", async () => {
    await using site = await startSite({ env });
    await site.employ(budi(site));
    expect(await site.employ(budi(site, { photo: null }))).toEqual({ end: "done", warnings: [] });
  });
});

test("another photo that cannot be used leaves the face as it is, with a warning", async () => {
  await using site = await startSite();
  await site.employ(budi(site));
  const before = [...site.hikcentral.persons.values()][0]?.picture;
  const photo = { link: `${site.eposh.origin}/photos/page/-1767600001.png` };
  expect(await site.employ(budi(site, { photo }))).toEqual({ end: "done", warnings: ["photo_not_updated"] });
  expect([...site.hikcentral.persons.values()][0]?.picture).toBe(before);
});

test("a HikCentral that takes no face by itself refuses the face and pauses nothing", async () => {
  await using site = await startSite();
  await site.employ(budi(site, { photo: null }));
  site.hikcentral.faults.set(instead("unknown call", '{"code":"12","msg":"no such call"}', { match: "face/update" }));
  expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: ["face_refused"] });
  expect(site.person(nik)?.hasFace).toBe(false);
});
