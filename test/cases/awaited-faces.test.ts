import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import type { CaseList, CaseView } from "../../src/operator/cases.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { freePort } from "../support/rabbitmq.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-01";
const dates = { from: date, to: date };
const dead = "hikvision_face.dead";

const linkOf = (site: InProcessSite, number: number) =>
  `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`;
const person = (site: InProcessSite, number: number, changes: Body = {}) =>
  budi(site, {
    name: `Contoh ${"kadesimoturabelofinuga".slice(2 * (number % 10)).slice(0, 4)} ${"badegasola".slice(2 * Math.floor(number / 10)).slice(0, 4)}`,
    identity_number: nikOf(number, "1990-01-31"),
    kib_number: String(2_600_000 + number),
    photo: { link: linkOf(site, number) },
    ...changes,
  });
const faces = (site: InProcessSite) => site.hikcentral.state().persons.filter(({ hasFace }) => hasFace).length;
const failing = (status: number, more = {}) => instead("failing", "", { status, match: "/photos/", ...more });
const listOf = async (site: InProcessSite) => (await site.get("/dead")).body as unknown as CaseList;
const openIn = async (site: InProcessSite) => {
  const { groups, warnings } = await listOf(site);
  return [...groups, ...warnings].flatMap(({ cases }) => cases);
};
const viewOf = async (site: InProcessSite, run: string) => (await site.get(`/runs/${run}`)).body as unknown as RunView;
const isOpen =
  (site: InProcessSite, count = 1) =>
  async () => {
    const open = await openIn(site);
    return open.length === count && open;
  };
/** Until the face stage has failed so often in all. */
const failed = (site: InProcessSite, times: number) =>
  until(() => site.entries.filter(({ stage, outcome }) => stage === "face" && outcome === "retry").length >= times, {
    what: `${times} failures`,
  });

test.each(["400", "403", "503", "dead port", "time-out"])(
  "a photo that cannot be had (%s): an open case at once, which says until when the face is tried, and closes with the face",
  async (how) => {
    await using site = await startSite({ env: { PHOTO_TIMEOUT: "300ms" } });
    const origin = how === "dead port" ? `http://127.0.0.1:${await freePort()}` : site.eposh.origin;
    if (/^\d/.test(how)) site.eposh.faults.set(failing(Number(how)));
    if (how === "time-out") site.eposh.faults.set({ kind: "hang", match: "/photos/" });
    const link = linkOf(site, 1).replace(site.eposh.origin, origin);
    site.eposh.days.set(date, [person(site, 1, { photo: { link } }), person(site, 2, { photo: null })]);
    const { run, through, dead: held } = await site.induct(dates);
    expect({ through, held }).toEqual({ through: 2, held: 0 });
    const open = await until(isOpen(site, 2), { what: "the case" });
    const [own] = open.filter(({ stage }) => stage === "face");
    expect(own).toMatchObject({ kind: "warning", code: "no_photo", runs: 1, run, kib: "2600001", letters: 0 });
    expect(own?.text).toMatch(
      /^"Contoh \w+ \w+" \(KIB 2600001\) has no face: .+ is tried again until 20\d\d-\d\d-\d\d \d\d:\d\d/,
    );
    expect(await viewOf(site, run)).toMatchObject({
      through: 2,
      dead: 0,
      open: 0,
      warnings: [{ code: "no_photo", count: 2 }],
    });
    expect(await site.sum("cases_open", { code: "no_photo" })).toBe(2);
    expect((await site.cli("who 2600001")).out).toContain("cannot enter: The employee has no usable photo");
    expect(await site.bodies(dead)).toEqual([]);

    if (how === "dead port") {
      site.eposh.days.set(date, [person(site, 1), person(site, 2, { photo: null })]);
      await site.induct(dates);
    } else site.eposh.faults.set();
    await until(() => faces(site) === 1, { what: "the face" });
    const [left] = await until(isOpen(site), { what: "the case to close" });
    expect(left).toMatchObject({ stage: "create-person", kib: "2600002" });
  },
);

test("at photo.give_up_after the same case becomes a dead letter, the only one, also with several runs", async () => {
  await using site = await startSite({ env: { PHOTO_GIVE_UP_AFTER: "3s" } });
  site.eposh.faults.set(failing(500));
  site.eposh.days.set(date, [person(site, 1)]);
  await site.induct(dates);
  const [before] = await until(isOpen(site), { what: "the case" });
  await site.induct(dates);
  await until(async () => (await openIn(site))[0]?.runs === 2, { what: "the second run to meet it" });
  const isDead = async () => (await openIn(site)).find(({ kind }) => kind === "dead letter");
  expect(await until(isDead, { what: "the dead letter" })).toMatchObject({ id: before?.id, runs: 2 });
  await until(() => site.entries.filter(({ outcome }) => outcome === "dead").length === 2, { what: "both to end" });
  expect(await openIn(site)).toEqual([expect.objectContaining({ id: before?.id, kind: "dead letter", runs: 2 })]);
  expect(await site.bodies(dead)).toHaveLength(1);
});

test("one open case, whichever stage the photo fails at; it closes with the face, or as soon as a run finds the photo", async () => {
  await using site = await startSite({ env: { PHOTO_GIVE_UP_AFTER: "1s" } });
  site.eposh.days.set(date, [person(site, 1)]);
  // 404 ends in create-person, and 503 is waited for in the stage face.
  const failsWith = async (status: number, found: Partial<CaseView>) => {
    site.eposh.faults.set(failing(status));
    await site.induct(dates);
    const isFound = async () => {
      const open = await openIn(site);
      return (
        open.length === 1 && Object.entries(found).every(([key, value]) => open[0]?.[key as never] === value) && open[0]
      );
    };
    return await until(isFound, { what: `the case of ${status}` });
  };
  const { id, first } = await failsWith(404, { stage: "create-person", kind: "warning", runs: 1, letters: 0 });
  const same = { id, first, code: "no_photo" as const };
  await failsWith(503, { ...same, stage: "face", kind: "dead letter", runs: 2, letters: 1 });
  await failsWith(404, { ...same, stage: "create-person", kind: "warning", runs: 3, letters: 1 });
  await failsWith(503, { ...same, stage: "face", kind: "dead letter", runs: 4, letters: 1 });
  const closed = async () => ((await site.get(`/dead/${id}`)).body as unknown as CaseView).closed?.why;
  site.eposh.faults.set();
  await site.induct(dates);
  await until(isOpen(site, 0), { what: "the case to close" });
  expect({ why: await closed(), faces: faces(site) }).toEqual({ why: "passed", faces: 1 });
});

test("a case stays open while its face is awaited, and closes with the face", async () => {
  await using site = await startSite();
  site.eposh.days.set(date, [person(site, 1)]);
  site.eposh.faults.set(failing(404));
  await site.induct(dates);
  const [before] = (await openIn(site)) as [CaseView];
  await site.post("/stages/face/pause");
  site.eposh.faults.set(failing(503));
  await site.induct(dates);
  expect(await openIn(site)).toEqual([{ ...before, stage: "face" }]);
  site.eposh.faults.set();
  await site.post("/stages/face/resume");
  await until(() => faces(site) === 1, { what: "the face" });
  await until(isOpen(site, 0), { what: "the case to close" });
});

test("dropping it loses nothing and keeps it closed, and the face comes all the same", async () => {
  await using site = await startSite();
  site.eposh.faults.set(failing(503));
  site.eposh.days.set(date, [person(site, 1)]);
  await site.induct(dates);
  const [own] = await until(isOpen(site), { what: "the case" });
  expect((await site.post("/dead/drop", { ids: [own?.id] })).body).toMatchObject({ dropped: 1 });
  await failed(site, site.entries.filter(({ outcome }) => outcome === "retry").length + 3);
  expect(await openIn(site)).toEqual([]);
  site.eposh.faults.set();
  await until(() => faces(site) === 1, { what: "the face" });
});

test("a cancelled run leaves no case of a face that nobody tries any more", async () => {
  await using site = await startSite();
  site.eposh.faults.set(failing(503));
  site.eposh.days.set(date, [person(site, 1)]);
  await site.post("/stages/update-kib/pause");
  const run = await site.begin(dates);
  await until(isOpen(site), { what: "the case" });
  expect((await site.post(`/runs/${run.id}/cancel`)).status).toBe(200);
  await until(isOpen(site, 0), { what: "the case to close" });
});

test("an outage of the photo host pauses the fetching of photos, and makes no case of anybody", async () => {
  await using site = await startSite({ env: { BROKER_RETRY_DELAYS: "1s,2s,3s" } });
  site.eposh.faults.set(failing(503));
  site.eposh.days.set(
    date,
    Array.from({ length: 60 }, (_, at) => person(site, at + 1)),
  );
  expect(await site.induct(dates)).toMatchObject({ through: 60, dead: 0 });
  const isPaused = async () => (await site.stage("face"))?.state === "paused";
  await until(isPaused, { what: "the fetching to pause" });
  // The first of them are due again, and the canaries fail.
  await failed(site, 22);
  expect(await openIn(site)).toEqual([]);
});
