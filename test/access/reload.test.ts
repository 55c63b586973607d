import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

/** A site whose configuration is a file, except for what the environment must say; `more` comes after [eposh] in it. */
async function start(people: number, more = "") {
  // What is empty counts as not set.
  const env = { EPOSH_URL: "", EPOSH_APP_ID: "", HIKCENTRAL_CONCURRENCY: "" };
  const site = await startSite({ as: "binary", people, config: "", env, start: false });
  const { EPOSH_URL, EPOSH_APP_ID } = site.simulators.env;
  const write = (rest: string) => site.configure(`[eposh]\nurl = "${EPOSH_URL}"\n${rest}`);
  const appId = `app_id = "${EPOSH_APP_ID}"\n`;
  write(`${appId}${more}`);
  await site.start();
  return Object.assign(site, {
    appId,
    /** Writes the file and sends SIGHUP; resolves to what was logged from then on, once `word` was. */
    async reload(rest: string, word: RegExp) {
      write(rest);
      const before = site.output().length;
      process.kill(site.pid, "SIGHUP");
      const said = () => site.output().slice(before);
      await until(() => word.test(said()), { what: `${word} in ${said()}` });
      return said();
    },
  });
}

test("a good configuration is taken over in the middle of a run, and neither a request nor an employee is lost", async () => {
  const people = 60;
  await using site = await start(people, "[hikcentral]\nconcurrency = 1\n");
  const run = await site.begin();
  await until(() => site.hikcentral.persons.size > 5);
  // However fast the machine, the run is not over before the reload.
  site.hikcentral.faults.set({ kind: "slow", minMs: 100, match: "single/add" });

  const statuses: Record<string, number> = {};
  let asking = true;
  const asked = (async () => {
    while (asking) {
      const status = await site.get("/livez").then(
        (answer) => answer.status,
        () => "lost",
      );
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  })();
  const said = await site.reload(
    `${site.appId}[hikcentral]\nconcurrency = 8\n[regionals]\nzona-i = "9"\n`,
    /Reloaded.*\n/,
  );
  expect(said).toContain("changed: hikcentral.concurrency, regionals\n");
  expect(site.hikcentral.persons.size).toBeLessThan(people);
  site.hikcentral.faults.set();
  await run.through();
  asking = false;
  await asked;
  expect(Object.keys(statuses)).toEqual(["200"]);
  await site.faces();
  const { persons } = site.hikcentral.state();
  expect(persons.length).toBe(people);
  for (const { groups, kib } of persons) expect([groups.length > 0, kib !== ""]).toEqual([true, true]);
  // Those who were worked on after the reload got the other group.
  const zoneI = [...site.eposh.days.values()]
    .flat()
    .filter(({ regionals }) => JSON.stringify(regionals).includes('"zona-i"'));
  const inFormer = zoneI.filter(({ identity_number: nik }) =>
    persons.some(({ personCode, groups }) => personCode === nik && groups.includes("1")),
  );
  expect(inFormer.length).toBeLessThan(zoneI.length);
});

test("a bad configuration is refused in words, by name, and all goes on as before", async () => {
  await using site = await start(5);
  const said = await site.reload(
    'api_key_ = "geheim-1234"\n[hikcentral]\nconcurrency = 1000\n',
    /reload rejected[\s\S]*still in use/,
  );
  expect(said).toMatch(/reload rejected: .*; the previous configuration is still in use/s);
  await until(() => site.output().includes("hikcentral.concurrency must be a whole number from 1 to 64"));
  expect(site.output()).toContain("eposh.api_key_");
  expect(site.output()).not.toContain("geheim-1234");
  const { dead, through } = await site.induct();
  expect([dead, through]).toEqual([0, 5]);
});

test("what needs a restart is said by name and left as it was, and the rest is taken over", async () => {
  await using site = await start(5);
  const said = await site.reload(
    'app_id = "other-id-1234"\npage_size = 7\n[http]\nhost = "localhost"\n[state]\nkeep_days = 3\n',
    /not applied until a restart.*\n/,
  );
  expect(said).toContain("changed: eposh.page_size\n");
  expect(said).toContain("not applied until a restart: http.host, eposh.app_id, state.keep_days");
  expect(said).not.toContain("other-id-1234");
  const { dead, through } = await site.induct();
  expect([dead, through]).toEqual([0, 5]);
});

test("a trigger that waits for its answer, and those that come while it drains, are answered as ever", async () => {
  await using site = await start(20);
  const run = await site.begin({ from: "2026-01-03", to: "2026-01-03" });
  site.hikcentral.faults.set({ kind: "slow", minMs: 700, match: "single/add" });
  await until(() => site.hikcentral.calls["resource/v1/person/personCode/personInfo"]);
  site.eposh.faults.set({ kind: "slow", minMs: 1_500, match: "/api/" });
  const waiting = site.trigger({ from: "2026-01-06", to: "2026-01-06" });
  await until(() => site.eposh.faults.seen.slow);
  const reloaded = site.reload(`${site.appId}page_size = 7\n`, /Reloaded.*\n/);
  await until(() => site.output().includes("Reloading"));
  const during = [8, 9].map((day) => site.trigger({ from: `2026-01-0${day}`, to: `2026-01-0${day}` }));
  const state = await site.get("/livez");
  expect(site.output()).not.toContain("Reloaded");
  expect(state.status).toBe(200);
  await reloaded;
  for (const answer of await Promise.all([waiting, ...during])) expect(answer.status).toBe(200);
  await run.through();
});

test("a stage that was changed, and another folder of stages, are said to need a restart", async () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const file = join(folder, "gate-log.ts");
  const stage = (word: string) => `import { defineStage, end, v } from "hikvision-sync";
export default defineStage({
  name: "gate-log", queue: "gate_log", after: "assign-privilege", message: v.looseObject({}),
  run: async () => end("${word}"),
});
`;
  writeFileSync(file, stage("seen"), { mode: 0o644 });
  const stages = `\n[stages]\nfolder = "${folder}"\n`;
  await using site = await start(5, stages);
  expect(await site.reload(`${site.appId}${stages}`, /Reloaded.*\n/)).toContain("changed: nothing");
  expect(site.output()).not.toContain("until a restart");
  writeFileSync(file, stage("seen and noted"));
  expect(await site.reload(`${site.appId}${stages}`, /until a restart.*\n/)).toContain(`until a restart: ${file}`);
  expect(await site.reload(site.appId, /until a restart: stages.*\n/)).toContain(
    `until a restart: stages.folder, ${file}`,
  );
  expect((await site.induct()).dead).toBe(0);
});
