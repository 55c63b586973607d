import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const nik = "3500003101900001";

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

  test("whoever has a face already goes on", async () => {
    await using site = await startSite({ env });
    await site.employ(budi(site));
    expect(await site.employ(budi(site, { photo: null }))).toEqual({ end: "done", warnings: [] });
  });
});

test.each([401, 403, 500, 503])("a photo that stays refused with %d is in the end a dead letter", async (status) => {
  await using site = await startSite();
  site.eposh.faults.set(instead("refused", "", { status, match: "/photos/" }));
  expect(await site.employ(budi(site))).toEqual({ end: "photo_unavailable", warnings: [] });
  expect(site.eposh.faults.seen.refused).toBeGreaterThanOrEqual(4);
  expect(site.hikcentral.persons.size).toBe(0);
});

test("a photo that comes at the third attempt is a face", async () => {
  await using site = await startSite();
  site.eposh.faults.set(instead("refused", "", { status: 403, match: "/photos/", times: 2 }));
  expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: [] });
  expect(site.person(nik)?.hasFace).toBe(true);
});

test("another photo that cannot be used leaves the face as it is, with a warning", async () => {
  await using site = await startSite();
  await site.employ(budi(site));
  const before = [...site.hikcentral.persons.values()][0]?.picture;
  const photo = { link: `${site.eposh.origin}/photos/page/-1767600001.png` };
  expect(await site.employ(budi(site, { photo }))).toEqual({ end: "done", warnings: ["photo_not_updated"] });
  expect([...site.hikcentral.persons.values()][0]?.picture).toBe(before);
});

test("a link to a host that is not allowed pauses create-person in words that name it, and costs nobody an attempt", async () => {
  await using site = await startSite({ env: { PHOTO_ALLOWED_HOSTS: "photos.example" } });
  const body = JSON.stringify({ employee: budi(site) });
  await site.daemon.broker.publish("hikvision_create_person", [{ body, headers: { "hs-id": "first" } }]);
  const worker = () => site.daemon.pipeline.worker("create-person");
  const pause = await until(() => worker()?.state.pause, { what: "the pause" });
  expect(pause).toMatchObject({ reason: "setup", code: "photo_host_not_allowed" });
  expect(pause.text).toContain("photos come from 127.0.0.1, which is not allowed");
  expect(site.entries).toEqual([]);
});
