import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { type Body, budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-03";
const stages = ["publisher", "create-person", "update-kib", "assign-privilege"] as const;
const queues = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];
const queueOf = (stage: (typeof stages)[number]) => queues[stages.indexOf(stage)] ?? "";

/** What lies on a stage's queue while nobody here works on it, once Eposh gave these employees. */
async function onTheQueueOf(stage: (typeof stages)[number], employees: (site: InProcessSite) => Body[]) {
  const site = await startSite({ env: { STAGES_DISABLED: `apply-access,${stage}` } });
  site.eposh.days.set(date, employees(site));
  const asked = { method: "POST", body: JSON.stringify({ from: date, to: date }) };
  expect((await fetch(`${site.url}/eposh-induction`, asked)).status).toBe(200);
  const bodies = await until(async () => {
    const all = await site.bodies(queueOf(stage));
    return all.length > 0 && all;
  });
  return { site, bodies };
}

describe("the message on each queue is the original's: its keys, their order, their types", () => {
  const { name, identity_number, kib_number, birth_date, regionals } = budi({ eposh: { origin: "" } } as InProcessSite);
  const photo = ({ eposh }: InProcessSite) => budi({ eposh } as InProcessSite).photo;
  const pagination = { current_page: 1, last_page: 1, total: 1 };
  const whole = (site: InProcessSite) => ({
    name,
    identity_number,
    kib_number,
    birth_date,
    photo: photo(site),
    regionals,
  });
  const four = { name, identity_number, kib_number, regionals };
  const personId = "18945";
  test.each([
    ["publisher", (site: InProcessSite) => ({ event: "HIKVISION_SYNC", data: { data: [whole(site)], pagination } })],
    ["create-person", (site: InProcessSite) => ({ employee: whole(site) })],
    ["update-kib", () => ({ personId, kib_number, employee: four })],
    ["assign-privilege", () => ({ personId, privilege_groups: ["1", "2", "8"] })],
  ] as const)("%s", async (stage, message) => {
    const { site, bodies } = await onTheQueueOf(stage, (site) => [budi(site)]);
    await using _site = site;
    expect(bodies).toEqual([JSON.stringify(message(site))]);
  });

  test("unknown fields of an employee travel unchanged as far as the original carried them", async () => {
    const odd = { phone_number: "0800", extra: { deep: [1, null, { b: 1, a: 2 }] }, empty: "", flag: false };
    const both = (site: InProcessSite) => [
      budi(site, odd),
      { ...odd, ...budi(site, { identity_number: "3500003101900002" }) },
    ];
    const { site, bodies } = await onTheQueueOf("create-person", both);
    await using _site = site;
    expect(bodies).toEqual(both(site).map((employee) => JSON.stringify({ employee })));
  });

  test("unknown fields of a page travel with it", async () => {
    await using site = await startSite({ env: { STAGES_DISABLED: "apply-access,publisher" } });
    const page = {
      data: [{ a: 1 }, null, "x"],
      pagination: { current_page: 1, last_page: 1, total: 3, per_page: 100 },
      links: { next: null },
    };
    site.eposh.faults.set(instead("page", JSON.stringify(page), { match: "/api/" }));
    await fetch(`${site.url}/eposh-induction`, { method: "POST", body: `{"from":"${date}","to":"${date}"}` });
    const [body = ""] = await site.bodies("hikvision_queue");
    expect(JSON.parse(body)).toEqual({ event: "HIKVISION_SYNC", data: page });
  });

  test("message 3 holds exactly four fields of the employee, whatever is missing", async () => {
    const { site, bodies } = await onTheQueueOf("update-kib", (site) => [
      { name, identity_number, extra: 1, photo: budi(site).photo },
    ]);
    await using _site = site;
    const employee = { name, identity_number, kib_number: null, regionals: null };
    expect(bodies).toEqual([JSON.stringify({ personId, kib_number: null, employee })]);
  });
});

describe("what cannot be worked on is a dead letter that keeps its body, and harms nobody else", () => {
  test.each([
    ["not JSON", '{"employee": nonsense'],
    ["nothing", ""],
    ["JSON of another kind", '["employee"]'],
    ["a bare number", "9171010101900003"],
    ["a million brackets", "[".repeat(1_000_000)],
    ["deep nesting that is JSON", `{"employee":${"[".repeat(50_000)}${"]".repeat(50_000)}}`],
    ["2 MB", JSON.stringify("x".repeat(2 << 20))],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x7b])],
  ])("%s on any queue", async (_, body) => {
    await using site = await startSite();
    const queues = site.daemon.pipeline.workers.map(({ registered }) => registered.stage.queue);
    expect(queues.length).toBe(7);
    for (const queue of queues) await site.daemon.broker.publish(queue, [{ body }]);
    for (const queue of queues) {
      const dead = await until(async () => {
        const all = await site.bodies(`${queue}.dead`);
        return all.length > 0 && all;
      });
      expect(dead).toEqual([Buffer.from(body).toString()]);
    }
    expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: [] });
    expect(site.output()).toMatch(
      /the message (is not JSON|does not fit publisher: .*); fix whatever publishes to hikvision_queue /,
    );
    expect(site.output()).not.toContain("9171010101900003");
  });

  test("16 MB", async () => {
    await using site = await startSite();
    const queue = "hikvision_create_person";
    const body = JSON.stringify("x".repeat(16 << 20));
    await site.daemon.broker.publish(queue, [{ body }]);
    const [kept] = await until(async () => {
      const dead = await site.bodies(`${queue}.dead`);
      return dead.length > 0 && dead;
    });
    expect(kept === body).toBe(true);
    expect(await site.employ(budi(site))).toEqual({ end: "done", warnings: [] });
  });

  test.each<[string, unknown, string]>([
    ["null", null, "bad_employee"],
    ["a text", "Budi", "bad_employee"],
    ["a list", [], "bad_identity_number"],
    ["one without any field", {}, "bad_identity_number"],
    ["one whose name is a number", { identity_number: "A0480213", name: 7 }, "bad_name"],
    ["one whose NIK is a fraction", { identity_number: 1.5, name: "A" }, "bad_identity_number"],
    ["one whose NIK has hyphens in it", { identity_number: "3201-0231-0190-0001", name: "A" }, "bad_identity_number"],
  ])("an employee that is %s", async (_, employee, code) => {
    await using site = await startSite();
    expect((await site.work("hikvision_create_person", { employee })).end).toBe(code);
    expect(await site.bodies("hikvision_create_person.dead")).toEqual([JSON.stringify({ employee })]);
    expect(site.hikcentral.persons.size).toBe(0);
  });

  test("a NIK as a number too large for JavaScript keeps its digits in the dead letter's body", async () => {
    const unsafe = "9171010101900003";
    await using site = await startSite();
    site.eposh.days.set(date, [budi(site, { identity_number: unsafe }), budi(site, { kib_number: "2600002" })]);
    await fetch(`${site.url}/eposh-induction`, { method: "POST", body: `{"from":"${date}","to":"${date}"}` });
    const [body = ""] = await until(async () => {
      const dead = await site.bodies("hikvision_create_person.dead");
      return dead.length > 0 && dead;
    });
    expect(body).toBe(JSON.stringify({ employee: budi(site, { identity_number: 0 }) }).replace(":0", `:${unsafe}`));
    await until(() => site.person("3500003101900001")?.groups.length === 3);
    expect(site.output()).toContain("too large to be exact");
    expect(site.output()).not.toContain(unsafe);
  });

  test("a zone named like something every object has is an unknown zone", async () => {
    await using site = await startSite();
    const regionals = ["constructor", "__proto__", "tuks"].map((slug) => ({ name: slug, slug }));
    expect(await site.employ(budi(site, { regionals }))).toEqual({
      end: "done",
      warnings: ["unknown_regional", "unknown_regional"],
    });
    expect(site.person("3500003101900001")?.groups).toEqual(["8"]);
  });
});
