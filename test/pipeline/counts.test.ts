import { expect, test } from "bun:test";
import { budi } from "../support/people.ts";
import { startSite } from "../support/site.ts";
import { folderWith } from "../support/stage-files.ts";

const stage = (name: string, after: string, field: string, returns: string) => `
import { defineStage, v } from "hikvision-sync";
export default defineStage({
  name: "${name}",
  queue: "site_${name}",
  after: "${after}",
  message: v.looseObject({ ${field}: v.string() }),
  run: (message) => (${returns}),
});
`;

test("a run ends at a site whose own stages pass on messages without an employee, and its counts are right", async () => {
  const files = {
    "badge.ts": stage("badge", "assign-privilege", "personId", "{ card: String(message.personId) }"),
    "printer.ts": stage("printer", "badge", "card", "undefined"),
  };
  await using site = await startSite({ as: "binary", people: 10, env: { STAGES_FOLDER: folderWith(files) } });
  const view = await site.induct();
  expect(view).toMatchObject({ status: "done", employees: 10, through: 10, dead: 0, open: 0 });
  expect(view.stages).toMatchObject({ badge: { done: 10 }, printer: { done: 10 } });
});

test("one NIK on two dates is two employees: the one who is dead is counted, listed and traced, and the other is through", async () => {
  const dates = ["2026-01-03", "2026-01-04"] as const;
  await using site = await startSite({ as: "binary" });
  site.eposh.days.set(dates[0], [budi(site)]);
  site.eposh.days.set(dates[1], [budi(site, { name: "123" })]);
  const triggered = await site.cli(["trigger", "--from", dates[0], "--to", dates[1]]);
  expect(triggered.exit).toBe(1);
  expect(triggered.out).toContain("1 through, 1 with a case, 0 open");

  const [view] = (await site.cli("runs --json")).json().runs;
  expect(view).toMatchObject({ status: "done", employees: 2, through: 1, dead: 1, open: 0 });
  expect(view.deadLetters).toMatchObject([{ code: "bad_name", count: 1 }]);
  expect((await site.cli("dead list --json")).json()).toMatchObject({
    total: 1,
    groups: [{ stage: "create-person", code: "bad_name", count: 1 }],
  });
  const { journeys } = (await site.cli("trace 2600001 --json")).json();
  expect(journeys.map(({ where }: { where: string }) => where).sort()).toEqual([
    "dead letter at create-person: bad_name",
    "through: assign-privilege was the last stage",
  ]);

  expect((await site.cli(["runs", "cancel", view.run])).exit).toBe(1);
  expect((await site.get(`/runs/${view.run}`)).body).toEqual(view);
});
