import { afterAll, expect, test } from "bun:test";
import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { compare } from "../../src/reconcile/comparison.ts";
import { clientOf, failureOf, gateway, success } from "../hikcentral/gateway.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";

const site = await startSite();
afterAll(() => site[Symbol.asyncDispose]());
const date = "2026-01-03";
const many = 100_000;

/** Longest time in which no timer ran while this did. */
async function longestBlockMs(work: () => Promise<unknown>): Promise<number> {
  let [longest, last] = [0, performance.now()];
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work().finally(() => clearInterval(timer));
  return longest;
}

/** What a stranger's data can be many of, and what is then said of the bound that was met. */
const attempts: [string, (site: InProcessSite) => Promise<string[]>, RegExp][] = [
  [
    "privilege groups in a message",
    async (site) => {
      const personId = site.hikcentral.state().persons[0]?.personId;
      const groups = Array.from({ length: many }, (_, at) => String(at % 7 === 0 ? 1 : 1_000 + at));
      const message = { personId, privilege_groups: groups };
      return (await site.work("hikvision_assign_privilege", message)).warnings;
    },
    /names \d+ privilege groups: the first 100 are granted/,
  ],
  [
    "zones in a record",
    async (site) => {
      const regionals = Array.from({ length: many }, (_, at) => ({ name: `Zona ${at}`, slug: `zona-${at}` }));
      return (await site.employ(budi(site, { regionals }))).warnings;
    },
    /has 100000 zones in Eposh: the first 100 are used/,
  ],
  [
    "zones of one slug in a record",
    async (site) => {
      const regionals = Array.from({ length: 99 }, () => ({ name: "z".repeat(2_000), slug: "s".repeat(2_000) }));
      return (await site.employ(budi(site, { regionals }))).warnings;
    },
    /zone s{80}… has no privilege group/,
  ],
];

test.each(attempts)(
  "many %s keep nobody else waiting, and one warning says which bound was met",
  async (_, attempt, said) => {
    if (site.hikcentral.state().persons.length === 0) await site.employ(budi(site));
    const before = { output: site.output().length, entries: site.entries.length };
    let warnings: string[] = [];
    const blockedMs = await longestBlockMs(async () => {
      warnings = await attempt(site);
    });
    // n.b. The simulators answer in this process too, and others use the processors.
    expect(blockedMs).toBeLessThan(8_000);
    expect(site.output().slice(before.output)).toMatch(said);
    expect(site.output().length - before.output).toBeLessThan(100_000);
    expect(site.entries.length - before.entries).toBeLessThan(250);
    expect(warnings.filter((code) => code === "too_many_zones").length).toBeLessThanOrEqual(1);
  },
);

/** HikCentral's lists that do not end: the same page again and again, and always another one. */
const group = (at: number) => ({ privilegeGroupId: String(at), privilegeGroupName: "x" });
const full = (from: number) => Array.from({ length: 500 }, (_, at) => group(from + at));
const endless = (list: unknown[]) => success({ total: 1e9, list });

test("a list of which every page is the same ends at its second page", async () => {
  const { url, bodies } = gateway({ "privilege/group": () => endless(full(1)) });
  const { client } = clientOf(url);
  const groups = await Array.fromAsync(client.reads(new AbortController().signal).privilegeGroups());
  expect([groups.flat().length, bodies("privilege/group").length]).toEqual([500, 2]);
});

test("a list that always has more is given up, and the failure says at how many", async () => {
  const { url, bodies } = gateway({ "privilege/group": ({ pageNo }) => endless(full(500 * Number(pageNo))) });
  const { client } = clientOf(url);
  const read = async () => {
    for await (const _ of client.reads(new AbortController().signal).privilegeGroups());
  };
  const failure = await failureOf(read());
  expect(failure).toMatchObject({ kind: "retry", code: "hikcentral_bad_answer" });
  expect(failure.message).toContain("more than 10000");
  expect(bodies("privilege/group").length).toBeLessThan(25);
});

test.each([
  ["verify", async (site: InProcessSite) => await verify(site)],
  ["a run", async (site: InProcessSite) => await site.induct({ from: date, to: date })],
])("%s does not believe that Eposh has 1e9 pages", async (_, read) => {
  let asked = 0;
  const page = { data: [budi(site)], pagination: { current_page: 1, last_page: 1e9, total: 1e9 } };
  await using eposh = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      asked++;
      return Response.json(page);
    },
  });
  await using own = await startSite({ env: { EPOSH_URL: `http://127.0.0.1:${eposh.port}/` } });
  await read(own);
  expect(asked).toBeLessThan(15);
});

async function verify({ env }: InProcessSite) {
  const { config } = readConfig({ env: { ...env, HTTP_PORT: "0" }, defaultFile: "/nonexistent" });
  await using clients = createClients(config, createLog({ write: () => true }));
  await compare(clients, config, { dates: [date], signal: AbortSignal.timeout(10_000) });
}
