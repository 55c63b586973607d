import { afterAll, expect, test } from "bun:test";
import { tableOf } from "../../src/cli/daily/verify.ts";
import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { compare } from "../../src/reconcile/comparison.ts";
import type { Fault } from "../../src/simulator/fault-server.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";

const date = "2026-01-03";
const site = await startSite();
afterAll(() => site[Symbol.asyncDispose]());
await site.employ(budi(site));
site.eposh.days.set(date, [budi(site)]);

/** What `verify` finds while these faults are on, and what it says meanwhile. */
async function verify(
  { env, hikcentral, eposh }: InProcessSite,
  faults: { eposh?: Fault[]; hikcentral?: Fault[] } = {},
) {
  const { config } = readConfig({ env: { ...env, HTTP_PORT: "0" }, defaultFile: "/nonexistent" });
  await using clients = createClients(config, createLog({ write: () => true }));
  eposh.faults.set(...(faults.eposh ?? []));
  hikcentral.faults.set(...(faults.hikcentral ?? []));
  const said: string[] = [];
  const { signal } = new AbortController();
  const found = await compare(clients, config, { dates: [date], signal, say: (text) => said.push(text) });
  hikcentral.faults.set();
  eposh.faults.set();
  return { ...found, said, texts: found.differences.map(({ text }) => text), table: tableOf(found) };
}
const busy = (match: string, times: number) => instead("busy", '{"code":"3","msg":"busy"}', { match, times });
const all = { person: 1, face: 1, kib: 1, access: 1, validity: 1 };

test("an error that passes is said, tried again and changes nothing of the comparison", async () => {
  const found = await verify(site, {
    eposh: [instead("away", "", { status: 503, match: "/api/", times: 1 })],
    hikcentral: [busy("person/personList", 1), busy("group/single/personList", 1)],
  });
  expect(found).toMatchObject({ employees: 1, agree: all, differences: [], unchecked: 0 });
  expect(found.said).toEqual([
    expect.stringMatching(/^Eposh answered HTTP 503 for page 1 of 2026-01-03; trying again$/),
    expect.stringMatching(/^HikCentral is busy .*; trying again$/),
    expect.stringMatching(/^HikCentral is busy .*; trying again$/),
  ]);
});

test("where the partner may not read who is in a group, access is not checked and nobody is said to miss it", async () => {
  const refused = instead("refused", '{"code":"69","msg":"API not ticked"}', { match: "group/single/personList" });
  const found = await verify(site, { hikcentral: [refused] });
  expect(found).toMatchObject({ agree: { ...all, access: 0 }, differences: [], unchecked: 1 });
  expect(found.said).toEqual([expect.stringContaining("the HikCentral partner may not read the members")]);
  expect(found.table.split("\n")).toEqual([
    expect.stringMatching(/AGREE +DIFFER/),
    ...["persons", "faces", "KIB"].map((row) => expect.stringMatching(new RegExp(`^${row} +1 +0$`))),
    expect.stringMatching(/^access +0 +0$/),
    expect.stringMatching(/^validity +1 +0$/),
    "access of 1 persons not checked: the HikCentral partner may not read group members",
  ]);
});

test("a person who cannot be read differs by what HikCentral says, and the others are compared", async () => {
  const other = budi(site, { identity_number: "3500003101900002", kib_number: "2600002" });
  site.eposh.days.set(date, [other, budi(site)]);
  const refused = instead("refused", '{"code":"2","msg":"personCode 3500003101900002"}', {
    match: "personInfo",
    times: 1,
  });
  const found = await verify(site, { hikcentral: [refused] });
  site.eposh.days.set(date, [budi(site)]);
  expect(found).toMatchObject({ employees: 2, agree: all });
  expect(found.texts).toEqual([expect.stringMatching(/rejects a value .*\[digits\]/)]);
});

test("a group that is not there is named, and its people miss it", async () => {
  const group = site.hikcentral.groups.get("8");
  site.hikcentral.groups.delete("8");
  const found = await verify(site);
  if (group) site.hikcentral.groups.set("8", group);
  expect(found.said).toEqual(["HikCentral has no privilege group 8"]);
  expect(found.texts).toEqual(["not in privilege group 8"]);
});

test("who was inducted twice must have the zones of both records and the last KIB number", async () => {
  const kawasan = [{ name: "Kawasan", slug: "kawasan" }];
  site.eposh.days.set(date, [budi(site), budi(site, { regionals: kawasan, kib_number: "77" })]);
  const found = await verify(site);
  site.eposh.days.set(date, [budi(site)]);
  expect(found.texts).toEqual(["KIB is 2600001", "not in privilege group 9"]);
});

test("a key that is refused ends it at once", async () => {
  const wrong = instead("wrong", '{"code":"64","msg":"no"}');
  await expect(verify(site, { hikcentral: [wrong] })).rejects.toMatchObject({ code: "hikcentral_wrong_key" });
});
