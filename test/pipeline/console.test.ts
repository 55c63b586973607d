import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { instead } from "../../src/simulator/fault-server.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-03";
const nik = /\d{16}/;
const signature = /[\w+/]{43}=/;
const trigger = ({ daemon }: InProcessSite) => fetch(`${daemon.url}/eposh-induction`, { method: "POST" });
const through = (site: InProcessSite, people: number) =>
  until(
    () =>
      new Set(site.entries.flatMap((e) => (e.stage === "assign-privilege" && e.outcome === "done" ? [e.item] : [])))
        .size === people,
    { what: `${people} people to be through` },
  );

test("one person is seen at every stage, in the lines that the operators know", async () => {
  // One call at a time: else a group's line may overtake another's.
  await using site = await startSite({ env: { HIKCENTRAL_CONCURRENCY: "1" } });
  site.eposh.days.set(date, [budi(site)]);
  const before = site.output().length;
  expect((await trigger(site)).status).toBe(200);
  await through(site, 1);
  await until(() => site.output().includes("Assigned"));
  const lines = site.output().slice(before).split("\n");
  const texts = lines.filter(Boolean).map((line) => line.replace(/^\d\d:\d\d:\d\d /, ""));
  expect(texts.filter((text) => !/^\s*(regional|KIB)\b|^Fetched/.test(text)).join("\n")).toBe(
    `Received batch: Page 1/1
Publishing 1 employees to CREATE_PERSON queue...
Published: Budi Contoh Santoso (KIB: 2600001)
✓ Batch published: 1/1 employees sent to CREATE_PERSON queue
✓ Employee Budi Contoh Santoso sent successfully
✓ Employee ID 18945 updated with KIB 2600001
Mapped regionals: ['Zona I', 'Zona II', 'TUKS'] → Privilege Groups: ['1', '2', '8']
✓ Person 18945 added to privilege group 1
✓ Person 18945 added to privilege group 2
✓ Person 18945 added to privilege group 8
Assigned 3/3 privilege groups to person 18945`,
  );
});

test("under load there is at most one info line for each person and stage, and no NIK and no signature at all", async () => {
  const people = 150;
  // Else a busy machine has only one person in progress at a time, which is no load.
  const faults = { hikcentral: [{ kind: "slow", minMs: 30 }] } as const;
  await using site = await startSite({ people, faults, env: { LOG_FORMAT: "json" } });
  expect((await trigger(site)).status).toBe(200);
  await through(site, people);
  const lines = site.output().split("\n").filter(Boolean);
  const counts = new Map<string, number>();
  for (const line of lines) {
    const { level, stage, kib, text } = JSON.parse(line) as Record<string, string>;
    const of = kib ?? /^Published: .*KIB: (\d+)/.exec(text ?? "")?.[1];
    if (level === "info" && of !== undefined) counts.set(`${stage} ${of}`, (counts.get(`${stage} ${of}`) ?? 0) + 1);
  }
  const perStage = (stage: string) =>
    [...counts].flatMap(([key, count]) => (key.startsWith(`${stage} `) ? [count] : []));
  for (const stage of ["publisher", "create-person", "update-kib", "assign-privilege"]) {
    expect(perStage(stage).length).toBe(people);
    // The last one of all is alone in the end, and then it is no load any more.
    expect(perStage(stage).filter((count) => count > 1).length).toBeLessThan(5);
  }

  const [planted] = [...site.eposh.days.values()].flat();
  expect(String(planted?.identity_number)).toMatch(nik);
  expect(createHmac("sha256", site.env.HIKCENTRAL_APP_SECRET).update("x").digest("base64")).toMatch(signature);
  expect(site.output()).not.toMatch(nik);
  expect(site.output()).not.toMatch(signature);
});

test("what HikCentral echoes in its refusals is not printed", async () => {
  await using site = await startSite({ env: { HIKCENTRAL_APP_SECRET: "a-wrong-secret" } });
  const answer = await fetch(`${site.hikcentral.url}/api/common/v1/version`, {
    method: "POST",
    headers: { "x-ca-key": site.env.HIKCENTRAL_APP_KEY, "x-ca-signature": "wrong" },
  });
  expect(await answer.text()).toMatch(/StringToSign.*contoh-app-key/s);
  const body = JSON.stringify({ employee: budi(site) });
  await site.daemon.broker.publish("hikvision_create_person", [{ body }]);
  await until(() => site.output().includes("check hikcentral.app_secret"));
  for (const kept of ["contoh-app-key", "a-wrong-secret", "StringToSign", "application/json", "3500003101900001"])
    expect(site.output()).not.toContain(kept);
});

test("a NIK that HikCentral quotes is not printed", async () => {
  await using site = await startSite();
  const quote = '{"code":"2","msg":"Incorrect request parameter. [personCode 3500003101900001]"}';
  site.hikcentral.faults.set(instead("quote", quote, { match: "addPersons" }));
  expect((await site.employ(budi(site))).end).toBe("incorrect_parameter");
  expect(site.output()).toContain("Incorrect request parameter. [personCode");
  expect(site.output()).not.toContain("3500003101900001");
});
