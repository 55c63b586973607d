import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";

const respondAsync = { prefer: "respond-async" };
const quarter = { from: "2026-01-01", to: "2026-03-31" };

/** What somebody without a token repeats, to put much work before that of others. */
const attempts: [string, (at: number) => object][] = [
  ["for one KIB number each", (at) => ({ ...quarter, kib: [String(2_600_000 + at)] })],
  ["with a limit", (at) => ({ ...quarter, limit: at + 1 })],
  ["over other dates each", (at) => ({ from: "2026-01-01", to: `2026-03-${10 + (at % 20)}`, refresh_faces: true })],
];

test.each(attempts)("triggers %s, again and again, are few runs, and an operator's is taken", async (_, body) => {
  await using site = await startSite({ people: 0 });
  await site.post("/stages/induction/pause");
  const statuses: number[] = [];
  for (let at = 0; at < 50; at++) statuses.push((await site.trigger(body(at), respondAsync)).status);
  expect(statuses.filter((status) => status === 202).length).toBeLessThanOrEqual(3);
  expect(new Set(statuses)).toEqual(new Set([202, 429]));
  const { error } = (await site.trigger(body(51), respondAsync)).body;
  expect(error).toMatch(/dates of \d+ runs that you started wait/);
  const { exit } = await site.cli(["trigger", "--detach", "--from", "2026-01-01", "--to", "2026-01-05"]);
  expect(exit).toBe(0);
  await site.post("/stages/induction/resume");
});

test.each([
  ["10,000 KIB numbers", Array.from({ length: 10_000 }, (_, at) => at)],
  ["a KIB number of 50,000 characters", ["2".repeat(50_000)]],
])("a trigger with %s is refused by name", async (_, kib) => {
  await using site = await startSite({ people: 0 });
  const { status, body } = await site.trigger({ ...quarter, kib }, respondAsync);
  expect([status, String(body.error)]).toEqual([400, expect.stringContaining("kib")]);
});
