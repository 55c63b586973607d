import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-03";
/** Nobody works on the employees here: they lie on create-person's queue. */
const env = { STAGES_DISABLED: "apply-access,create-person", EPOSH_PAGE_SIZE: "10" };
const people = (site: InProcessSite, count: number) =>
  Array.from({ length: count }, (_, at) =>
    budi(site, { identity_number: `350000310190${1000 + at}`, kib_number: String(at) }),
  );

/** The run of that date once it is published, and whom create-person was given. */
async function induct(site: InProcessSite, more: object = {}) {
  const body = JSON.stringify({ from: date, to: date, ...more });
  const answer = await fetch(`${site.url}/eposh-induction`, { method: "POST", body });
  const { run } = (await answer.json()) as { run: string };
  const look = async () => {
    const view = (await (await fetch(`${site.url}/runs/${run}`)).json()) as RunView;
    return (view.stages.publisher?.done ?? 0) === view.employees && view.fetched.done === 1 && view;
  };
  const view = await until(look, { what: "the run to be published" });
  const given = (await site.bodies("hikvision_create_person")).map(
    (text) => (JSON.parse(text) as { employee: { kib_number: string } }).employee.kib_number,
  );
  return { view, given: given.sort((a, b) => Number(a) - Number(b)) };
}
const numbers = (count: number) => Array.from({ length: count }, (_, at) => String(at));

test("a date that shifted while it was paged is fetched again, and nobody is missed", async () => {
  await using site = await startSite({ env });
  site.eposh.days.set(date, people(site, 15));
  site.eposh.faults.set({ kind: "drift", match: "page=2", times: 1 });
  const { view, given } = await induct(site);
  expect(new Set(given)).toEqual(new Set(numbers(15)));
  expect(view).toMatchObject({ employees: 15, warnings: [] });
  expect(site.eposh.pages).toEqual({ [`${date} 1`]: 2, [`${date} 2`]: 2 });
});

test("a date whose people are never as many as Eposh counts is fetched three times, and then the run says both numbers", async () => {
  await using site = await startSite({ env });
  site.eposh.days.set(date, people(site, 15));
  site.eposh.faults.set({ kind: "wrong-total", match: "/api/" });
  const { view, given } = await induct(site);
  expect(given).toEqual(numbers(15));
  const text = `${date}: Eposh counts 16 employees but gave 15 different ones, after 3 fetches`;
  expect(view.warnings).toEqual([{ code: "count_mismatch", count: 1, text }]);
  expect(site.eposh.pages).toEqual({ [`${date} 1`]: 3, [`${date} 2`]: 3 });
});

test("a NIK twice on a date is two records: both travel on, nobody is missing, and it is fetched once", async () => {
  await using site = await startSite({ env });
  const [one, ...others] = people(site, 5);
  site.eposh.days.set(date, [one ?? {}, ...others, { ...one, kib_number: "9" }]);
  const { view, given } = await induct(site);
  expect(given).toEqual([...numbers(5), "9"]);
  expect(view.warnings).toEqual([]);
  expect(site.eposh.pages).toEqual({ [`${date} 1`]: 1 });
});

test("a limit or KIB numbers send on nobody else, and count nobody as missing", async () => {
  await using site = await startSite({ env });
  site.eposh.days.set(date, people(site, 25));
  expect(await induct(site, { limit: 12 })).toMatchObject({
    view: { employees: 12, warnings: [] },
    given: numbers(12),
  });
  const { view, given } = await induct(site, { kib: [" 20 ", 21] });
  expect(view).toMatchObject({ employees: 2, warnings: [] });
  expect(given).toEqual([...numbers(12), "20", "21"]);
});

test("an Eposh that gives the first page whatever it is asked ends in that warning, and not in a loop", async () => {
  await using site = await startSite({ env });
  const pagination = { current_page: 1, last_page: 3, total: 25 };
  const body = JSON.stringify({ data: people(site, 10), pagination });
  site.eposh.faults.set({ kind: "answer", body, match: "/api/" });
  const { view, given } = await induct(site);
  expect(given).toEqual(numbers(10));
  expect(view.warnings).toMatchObject([{ text: expect.stringContaining("counts 25 employees but gave 10") }]);
});

test("an absurd last page is not believed: no more pages are asked for than there are people", async () => {
  await using site = await startSite({ env });
  const answer = (data: unknown[], total: number) =>
    site.eposh.faults.set({
      kind: "answer",
      body: JSON.stringify({ data, pagination: { current_page: 1, last_page: 1e9, total } }),
      match: "/api/",
    });
  answer([], 0);
  expect((await induct(site)).view).toMatchObject({ employees: 0, pages: 0, warnings: [] });
  answer(people(site, 2), 2);
  expect(await induct(site)).toMatchObject({ view: { employees: 2, warnings: [] }, given: numbers(2) });
});

test("a bare trigger where no dates are configured fetches the last eight days", async () => {
  await using site = await startSite({ env: { ...env, INDUCTION_FROM: "", INDUCTION_TO: "", INDUCTION_SKIP: "" } });
  const { body } = await site.trigger();
  const day = (ago: number) => new Date(Date.now() + 7 * 3_600_000 - ago * 86_400_000).toISOString().slice(0, 10);
  expect((await site.get(`/runs/${body.run}`)).body.dates).toEqual([7, 6, 5, 4, 3, 2, 1, 0].map(day));
});

test("what a simulator exports are the original's 17 dates", async () => {
  await using site = await startSite({ env });
  const { body } = await site.trigger();
  const { dates } = (await site.get(`/runs/${body.run}`)).body as unknown as RunView;
  expect(dates).toHaveLength(17);
  expect([dates[0], dates[1], dates.at(-1)]).toEqual(["2026-01-01", "2026-01-03", "2026-01-19"]);
});
