import { expect, test } from "bun:test";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { budi } from "../support/site.ts";
import { until } from "../support/until.ts";
import { startBox } from "./box.ts";

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
  await using box = await startBox({ people: 0 });
  const ofNobody = { identity_number: "3500003101900002", kib_number: "2600002", photo: null };
  box.eposh.days.set(date, [
    budi(box),
    budi(box, { ...ofNobody, name: null }),
    budi(box, { identity_number: "3500003101900003", kib_number: null, photo: null }),
  ]);
  await (await box.trigger({ from: date, to: date })).through();
  const samples = await box.metrics();
  for (const [name, labels] of Object.entries(promised)) {
    const found = samples.filter((sample) => sample.name === `hikvision_sync_${name}`);
    expect(found.length, name).toBeGreaterThan(0);
    for (const sample of found) expect(Object.keys(sample.labels).toSorted(), name).toEqual(labels.toSorted());
  }
  const createPerson = { stage: "create-person" };
  expect(await box.sum("deliveries_total", { ...createPerson, outcome: "done" })).toBe(2);
  expect(await box.sum("deliveries_total", { ...createPerson, outcome: "dead" })).toBe(1);
  expect(await box.sum("attempts_total")).toBe(1);
  expect(await box.sum("dead_letters_total", { ...createPerson, code: "bad_name" })).toBe(1);
  expect(await box.sum("stage_seconds_count", createPerson)).toBe(3);
  expect(await box.sum("hikcentral_call_seconds_count", { call: "person/single/add", code: "0" })).toBe(2);
  expect(await box.sum("queue_depth", { queue: "hikvision_create_person.dead" })).toBe(1);
  expect(await box.sum("people_done_total")).toBe(2);
  expect(await box.sum("warnings_total", { code: "no_kib" })).toBe(1);
  expect(await box.sum("paused")).toBe(0);
  expect(await box.sum("last_taken_age_seconds", createPerson)).toBeLessThan(60);
  const text = await (await fetch(`${box.daemon.url}/metrics`)).text();
  expect(text).not.toMatch(/35000000000000|Budi/);

  box.hikcentral.faults.set({ ...refusals.wrongKey, match: "personInfo" });
  box.eposh.days.set(date, [budi(box, { name: "Budi Contoh Baru" })]);
  await box.trigger({ from: date, to: date });
  const paused = () => box.sum("paused", { upstream: "hikcentral" });
  await until(paused, { timeoutMs: 30_000, what: "the pause to be counted" });
  const ready = await fetch(`${box.daemon.url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    ready: false,
    broker: "up",
    upstreams: { hikcentral: "up", eposh: "up", photo: "up" },
    stages: expect.arrayContaining([expect.objectContaining({ state: "paused", paused: expect.any(String) })]),
    unconsumed: [],
  });
  expect((await fetch(`${box.daemon.url}/livez`)).status).toBe(200);
});

test("a queue with work that nobody takes makes readiness red, and is named there and at the start", async () => {
  await using box = await startBox({ people: 2, env: { STAGES_DISABLED: "apply-access,assign-privilege" } });
  await (await box.trigger()).through();
  const queue = "hikvision_assign_privilege";
  await until(async () => !(await box.readyz()).ready, { what: "readiness to be red" });
  expect((await box.readyz()).unconsumed).toEqual([{ queue, ready: 2 }]);
  await box.daemon.stop();
  await using again = await startBox({ folder: box.folder, env: { STAGES_DISABLED: "apply-access,assign-privilege" } });
  await until(() => again.daemon.output().includes(`${queue} holds 2 messages`), { what: "it to be named" });
});
