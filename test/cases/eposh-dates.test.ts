import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const dates = { from: "2026-01-01", to: "2026-01-04" };
/** Two people on each of the dates. */
function induct(site: Site) {
  for (let day = 1; day <= 4; day++)
    site.eposh.days.set(
      `2026-01-0${day}`,
      [1, 2].map((one) =>
        budi(site, {
          identity_number: nikOf(10 * day + one, "1990-01-31"),
          kib_number: String(10 * day + one),
          photo: null,
        }),
      ),
    );
}
const noData = (status: number, match: string) => instead("no data", '{"message":"Data not found"}', { status, match });

describe("one date that answers", () => {
  test.each([404, 400, 422, 302])("%d: that date's retry, then dead letter; the others run", async (status) => {
    await using site = await startSite();
    induct(site);
    site.eposh.faults.set(noData(status, "induction_date=2026-01-02"));
    const view = await site.induct(dates);
    expect(view).toMatchObject({ employees: 6, through: 6, fetched: { done: 3, dead: 1, of: 4 } });
    expect(view.deadLetters).toMatchObject([{ code: "eposh_refused", count: 1 }]);
    expect(view.deadLetters[0]?.text).toContain(`Eposh answered HTTP ${status} for page 1 of 2026-01-02`);
    expect(site.output()).not.toContain("paused:");
  });
});

test("an Eposh that answers 404 for every date is a wrong address: induction pauses, and goes on when it is corrected", async () => {
  await using site = await startSite();
  induct(site);
  site.eposh.faults.set(noData(404, "/api/"));
  const run = await site.begin({ from: "2026-01-01", to: "2026-01-08" });
  await until(async () => (await site.stage("induction"))?.state === "paused", { what: "the pause" });
  site.eposh.faults.set();
  expect(await run.through()).toMatchObject({ employees: 8, fetched: { done: 8, dead: 0 } });
});

test("after a date died the command says so, and not that Eposh has no employees", async () => {
  await using site = await startSite({ as: "binary" });
  induct(site);
  await site.induct({ from: "2026-01-01", to: "2026-01-01" });
  site.eposh.faults.set(noData(404, "induction_date=2026-01-02"));
  const { exit, out, err } = await site.cli("trigger --from 2026-01-02 --to 2026-01-02");
  expect({ exit, err }).toEqual({ exit: 1, err: expect.stringContaining("1 of 1 dates could not be fetched") });
  expect(out).toContain("dead letter eposh_refused: 1");
  expect(out + err).not.toContain("has no employees");
});
