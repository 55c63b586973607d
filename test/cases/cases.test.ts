import { describe, expect, test } from "bun:test";
import type { CaseList } from "../../src/operator/cases.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const [first, second] = ["2026-01-01", "2026-01-02"];
const dates = { from: first, to: second };
const dead = "hikvision_create_person.dead";

const casesOf = async (site: InProcessSite) => (await site.get("/dead")).body as unknown as CaseList;
const linesOf = async (site: InProcessSite) => {
  const { groups, warnings } = await casesOf(site);
  return [...groups, ...warnings]
    .flatMap(({ cases }) => cases.map(({ kib, code, runs }) => `${kib ?? "-"} ${code} ${runs}`))
    .sort();
};
const person = (site: InProcessSite, number: number, changes: Body = {}) =>
  budi(site, {
    name: `Budi Contoh ${String.fromCharCode(65 + number).repeat(3)}wan`,
    identity_number: nikOf(100 + number, "1990-01-31"),
    kib_number: String(9_300_000 + number),
    photo: { link: `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png` },
    ...changes,
  });

describe.each([
  ["the embedded queue", "embedded"],
  ["RabbitMQ", "rabbitmq"],
])("with %s", (_, broker) => {
  test("the same bad records make the same dead letters, however many runs meet them", async () => {
    await using site = await startSite({ broker });
    site.eposh.days.set(first, [
      person(site, 0),
      person(site, 1, { name: null }),
      person(site, 2, { identity_number: "NA" }),
      person(site, 3, { identity_number: "-" }),
      person(site, 4, { kib_number: null }),
    ]);
    for (const run of [1, 2, 3]) {
      const { employees, through, dead: held, open } = await site.induct(dates);
      expect({ run, employees, through, held, open }).toEqual({ run, employees: 5, through: 2, held: 3, open: 0 });
      expect(await linesOf(site)).toEqual([
        `- no_kib ${run}`,
        `9300001 bad_name ${run}`,
        `9300002 bad_identity_number ${run}`,
        `9300003 bad_identity_number ${run}`,
      ]);
      expect(await site.bodies(dead)).toHaveLength(3);
    }
  });
});

/** The open cases after each of the runs over what Eposh then holds. */
async function openAfter(site: InProcessSite, ...days: Body[][]): Promise<string[][]> {
  const open: string[][] = [];
  for (const people of days) {
    site.eposh.days.set(first, people);
    await site.induct({ from: first, to: first });
    open.push(await linesOf(site));
  }
  return open;
}
const closedFor = (site: InProcessSite) =>
  site.daemon.ledger.rows<{ why: string }>("select why from cases where closed is not null").map(({ why }) => why);
const nobodyElse = (site: InProcessSite) => person(site, 9);

describe("a case is closed", () => {
  test("when its own record ends in the last stage, and its dead letter stays for 30 days", async () => {
    await using site = await startSite();
    site.hikcentral.faults.set({ kind: "answer", body: '{"code":"140","msg":"no"}', match: "customFieldsUpdate" });
    const people = [person(site, 1)];
    expect(await openAfter(site, people, people)).toEqual([[expect.any(String)], [expect.stringMatching(/ 2$/)]]);
    site.hikcentral.faults.set();
    expect(await openAfter(site, people)).toEqual([[]]);
    expect(closedFor(site)).toEqual(["passed"]);
    expect(await site.bodies("hikvision_update_kib.dead")).toHaveLength(1);
  });

  test("when a later record of the same human being does, and not by a namesake of the NIK", async () => {
    await using site = await startSite();
    const bad = person(site, 1, { kib_number: { no: "number" } });
    const stranger = person(site, 1, { name: "Wati Halim" });
    expect((await openAfter(site, [nobodyElse(site), bad]))[0]).toHaveLength(1);
    const [after] = await openAfter(site, [nobodyElse(site), bad, stranger]);
    expect(after?.map((line) => line.split(" ")[1])).toEqual(["bad_kib_number", "identity_conflict"]);
    expect((await openAfter(site, [nobodyElse(site), person(site, 1)]))[0]?.join()).not.toContain("bad_kib_number");
    expect(closedFor(site)).toContain("later record passed");
  });

  test("never by another person's success", async () => {
    await using site = await startSite();
    const bad = person(site, 1, { name: "123" });
    const [one] = await openAfter(site, [bad]);
    expect(one).toEqual(["9300001 bad_name 1"]);
    const [two] = await openAfter(site, [bad, person(site, 2, { kib_number: "9300001" }), nobodyElse(site)]);
    expect(two).toContain("9300001 bad_name 2");
  });

  test("when two complete fetches of its date no longer hold the record, and not by an empty or a wrong one", async () => {
    await using site = await startSite();
    const bad = person(site, 1, { identity_number: "NA" });
    const others = [nobodyElse(site)];
    expect(await openAfter(site, [bad, ...others], [], others)).toEqual(Array(3).fill([expect.any(String)]));
    site.eposh.faults.set({ kind: "wrong-total", match: "/api/" });
    expect((await openAfter(site, others))[0]?.join()).toContain("bad_identity_number");
    site.eposh.faults.set();
    expect(await openAfter(site, [bad, ...others], others)).toEqual(Array(2).fill([expect.any(String)]));
    expect(await openAfter(site, others)).toEqual([[]]);
    expect(closedFor(site).sort()).toEqual(["no longer at Eposh", "passed"]);
  });

  test("of a warning when its stage ends without it", async () => {
    await using site = await startSite();
    const [one, two] = await openAfter(site, [person(site, 1, { photo: null })], [person(site, 1)]);
    expect(one).toEqual(["9300001 no_photo 1"]);
    expect(two).toEqual([]);
    expect(closedFor(site)).toEqual(["passed"]);
  });
});

test("what several people have in place of a photo link is no photo that they share: one case each, and no more in the next run", async () => {
  await using site = await startSite();
  const people = [person(site, 1, { photo: { link: "-" } }), person(site, 2, { photo: { link: "-" } })];
  const [one, two] = await openAfter(site, people, people);
  expect(one).toEqual(["9300001 no_photo 1", "9300002 no_photo 1"]);
  expect(two).toEqual(["9300001 no_photo 2", "9300002 no_photo 2"]);
});

test("a changed record takes the place of its dead letter", async () => {
  await using site = await startSite();
  const bad = (zone: string) => person(site, 1, { name: "123", regionals: [{ name: zone, slug: zone }] });
  const open = await openAfter(site, [bad("zona-i")], [bad("zona-ii")], [bad("zona-ii")]);
  expect(open.at(-1)).toEqual(["9300001 bad_name 3"]);
  const bodies = async () => await site.bodies(dead);
  await until(async () => (await bodies()).length === 1, { what: "the former letter to go" });
  expect((await bodies()).join()).toContain("zona-ii");
});

test("a dead letter that somebody took out of its queue is made again", async () => {
  await using site = await startSite();
  const bad = [person(site, 1, { name: "123" })];
  await openAfter(site, bad);
  (await site.daemon.broker.take(dead))?.ack();
  expect(await openAfter(site, bad)).toEqual([[expect.any(String)]]);
  expect(await site.bodies(dead)).toHaveLength(1);
});

test("a letter that another daemon only looked at is still an open case", async () => {
  await using site = await startSite();
  await openAfter(site, [person(site, 1, { name: "123" })]);
  // While that one had it in progress, a look through the queue saw none.
  await site.daemon.ledger.deadLetters.replace("hikvision_create_person")([]);
  expect(closedFor(site)).toEqual(["its dead letter was taken"]);
  await until(async () => (await casesOf(site)).total === 1, { what: "the case to be open again" });
});

test("a lost ledger costs at most one more dead letter", async () => {
  await using site = await startSite();
  const bad = [person(site, 1, { name: "123" }), person(site, 2, { name: "456" })];
  await openAfter(site, bad);
  for (const table of ["cases", "dead_letters"]) site.daemon.ledger.rows(`delete from ${table}`);
  expect((await openAfter(site, bad))[0]).toHaveLength(2);
  expect((await site.bodies(dead)).length).toBeLessThanOrEqual(4);
  await openAfter(site, bad);
  await until(async () => (await site.bodies(dead)).length === 2, { everyMs: 1_000 });
});

test("the counts of earlier runs follow when a case is closed", async () => {
  await using site = await startSite();
  site.hikcentral.faults.set({ kind: "answer", body: '{"code":"140","msg":"no"}', match: "customFieldsUpdate" });
  site.eposh.days.set(first, [person(site, 1), person(site, 2)]);
  const runs = [await site.induct({ from: first, to: first }), await site.induct({ from: first, to: first })];
  expect(runs).toMatchObject(Array(2).fill({ employees: 2, through: 0, dead: 2, open: 0 }));
  site.hikcentral.faults.set();
  await site.post("/dead/replay", {});
  await until(async () => (await linesOf(site)).length === 0, { what: "the cases to be closed" });
  for (const { run } of runs) {
    const { body } = await site.get(`/runs/${run}`);
    expect({ run, ...body }).toMatchObject({ employees: 2, through: 2, dead: 0, open: 0, deadLetters: [] });
  }
});

test("the body of a closed case is kept for 30 days, and that of an open one as long as it is open", async () => {
  await using site = await startSite();
  site.eposh.days.set(first, [person(site, 1, { name: "123" }), person(site, 2, { name: "456" })]);
  await site.induct({ from: first, to: first });
  const { ledger } = site.daemon;
  const bodies = async () => (await site.bodies(dead)).length;
  const closedFor = (days: number) =>
    ledger.write(() => {
      const [one] = ledger.rows<{ id: string }>("select id from cases where kib = '9300001'");
      ledger.rows("update cases set closed = null where id = ?", one?.id ?? "");
      ledger.cases.close(one?.id ?? "", "passed", new Date(Date.now() - days * 86_400_000).toISOString());
    });
  closedFor(29);
  await site.daemon.operator.dead.dropExpired();
  expect(await bodies()).toBe(2);
  closedFor(31);
  await site.daemon.operator.dead.dropExpired();
  expect(await bodies()).toBe(1);
  expect(await linesOf(site)).toEqual(["9300002 bad_name 1"]);
});

test("open cases are a metric, by code", async () => {
  await using site = await startSite();
  await openAfter(site, [person(site, 1, { name: "123" }), person(site, 2, { photo: null })]);
  expect(await site.sum("cases_open", { code: "bad_name" })).toBe(1);
  expect(await site.sum("cases_open", { code: "no_photo" })).toBe(1);
});
