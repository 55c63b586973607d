import { expect, test } from "bun:test";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { budi, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-03";
/** Every metric that is promised, and its labels. */
const promised = {
  deliveries_total: ["stage", "outcome"],
  attempts_total: ["stage"],
  dead_letters_total: ["stage", "code"],
  stage_seconds_bucket: ["stage", "le"],
  stage_seconds_sum: ["stage"],
  stage_seconds_count: ["stage"],
  hikcentral_call_seconds_bucket: ["call", "code", "le"],
  hikcentral_call_seconds_sum: ["call", "code"],
  hikcentral_call_seconds_count: ["call", "code"],
  in_flight: ["stage"],
  queue_depth: ["queue"],
  last_taken_age_seconds: ["stage"],
  paused: ["upstream", "stage"],
  people_done_total: [],
  warnings_total: ["code"],
};

test("every metric is there with its labels, counts what happened, and shows nobody's NIK", async () => {
  await using site = await startSite({ as: "binary", people: 0 });
  const ofNobody = { identity_number: "3500003101900002", kib_number: "2600002", photo: null };
  site.eposh.days.set(date, [
    budi(site),
    budi(site, { ...ofNobody, name: null }),
    budi(site, { identity_number: "3500003101900003", kib_number: null, photo: null }),
  ]);
  await site.induct({ from: date, to: date });
  // Counted a moment after the run is seen to be through.
  const areCounted = async () =>
    (await site.sum("people_done_total")) === 2 && (await site.sum("deliveries_total", { outcome: "dead" })) === 1;
  await until(areCounted, { what: "the last ones to be counted" });
  const samples = await site.metrics();
  for (const [name, labels] of Object.entries(promised)) {
    const found = samples.filter((sample) => sample.name === `hikvision_sync_${name}`);
    expect(found.length, name).toBeGreaterThan(0);
    for (const sample of found) expect(Object.keys(sample.labels).toSorted(), name).toEqual(labels.toSorted());
  }
  const createPerson = { stage: "create-person" };
  expect(await site.sum("deliveries_total", { ...createPerson, outcome: "done" })).toBe(2);
  expect(await site.sum("deliveries_total", { ...createPerson, outcome: "dead" })).toBe(1);
  expect(await site.sum("attempts_total")).toBe(1);
  expect(await site.sum("dead_letters_total", { ...createPerson, code: "bad_name" })).toBe(1);
  expect(await site.sum("stage_seconds_count", createPerson)).toBe(3);
  expect(await site.sum("hikcentral_call_seconds_count", { call: "person/single/add", code: "0" })).toBe(2);
  expect(await site.sum("queue_depth", { queue: "hikvision_create_person.dead" })).toBe(1);
  expect(await site.sum("warnings_total", { code: "no_kib" })).toBe(1);
  expect(await site.sum("paused")).toBe(0);
  expect(await site.sum("last_taken_age_seconds", createPerson)).toBeLessThan(60);
  const text = await (await fetch(`${site.url}/metrics`)).text();
  expect(text).not.toMatch(/35000000000000|Budi/);

  site.hikcentral.faults.set({ ...refusals.wrongKey, match: "personInfo" });
  site.eposh.days.set(date, [budi(site, { name: "Budi Contoh Baru" })]);
  await site.begin({ from: date, to: date });
  const paused = () => site.sum("paused", { upstream: "hikcentral" });
  await until(paused, { what: "the pause to be counted" });
  const ready = await fetch(`${site.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    ready: false,
    broker: "up",
    upstreams: { hikcentral: "up", eposh: "up", photo: "up" },
    stages: expect.arrayContaining([expect.objectContaining({ state: "paused", paused: expect.any(String) })]),
    unconsumed: [],
  });
  expect((await fetch(`${site.url}/livez`)).status).toBe(200);
});

test("a queue with work that nobody takes makes readiness red, and is named there and at the start", async () => {
  await using site = await startSite({
    as: "binary",
    people: 2,
    env: { STAGES_DISABLED: "apply-access,assign-privilege" },
  });
  await site.induct();
  const queue = "hikvision_assign_privilege";
  const isNamed = async () => Bun.deepEquals((await site.readyz()).unconsumed, [{ queue, ready: 2 }]);
  await until(isNamed, { what: "the queue to be named with both messages" });
  expect((await site.readyz()).ready).toBe(false);
  await site.stop();
  await site.start();
  await until(() => site.output().includes(`${queue} holds 2 messages`), { what: "it to be named" });
});
