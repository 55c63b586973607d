import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { type DaemonProcess, environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { until } from "../support/until.ts";

/** A daemon whose configuration is a file, except for what the environment must say. */
async function start(simulators: Simulators, more = "") {
  const folder = temporaryFolder();
  const file = join(folder, "config.toml");
  const { EPOSH_URL, EPOSH_APP_ID, ...env } = simulators.env;
  const write = (text: string) => writeFileSync(file, `[eposh]\nurl = "${EPOSH_URL}"\n${text}`);
  write(`app_id = "${EPOSH_APP_ID}"\n${more}`);
  const { HIKCENTRAL_CONCURRENCY: _, ...rest } = environmentOf({ env: { ...env } as Simulators["env"] });
  const daemon = await startDaemon(rest, folder, ["--config", file]);
  return {
    daemon,
    folder,
    EPOSH_APP_ID,
    /** Writes the file and sends SIGHUP; resolves to what was logged from then on, once `word` was. */
    async reload(text: string, word: RegExp) {
      write(text);
      const before = daemon.output().length;
      process.kill(daemon.pid, "SIGHUP");
      const said = () => daemon.output().slice(before);
      await until(() => word.test(said()), { timeoutMs: 20_000, what: `${word} in ${said()}` });
      return said();
    },
  };
}

const workedOff = async (daemon: DaemonProcess, run: string) =>
  until(async () => (await daemon.get(`/runs/${run}`)).body.status === "done", {
    timeoutMs: 60_000,
    everyMs: 50,
    what: "the run to be through",
  });

test("a good configuration is taken over in the middle of a run, and neither a request nor an employee is lost", async () => {
  await using simulators = await startSimulators({ people: 100 });
  const app = `app_id = "${simulators.env.EPOSH_APP_ID}"\n`;
  const { daemon, reload } = await start(simulators, "[hikcentral]\nconcurrency = 1\n");
  await using _daemon = daemon;
  const { body } = await daemon.trigger(undefined, { prefer: "respond-async" });
  await until(() => simulators.hikcentral.persons.size > 5, { timeoutMs: 30_000 });

  const statuses: Record<string, number> = {};
  let asking = true;
  const asked = (async () => {
    while (asking) {
      const status = await daemon.get("/livez").then(
        (answer) => answer.status,
        () => "lost",
      );
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  })();
  const said = await reload(`${app}[hikcentral]\nconcurrency = 8\n[regionals]\nzona-i = "9"\n`, /Reloaded.*\n/);
  expect(said).toContain("changed: hikcentral.concurrency, regionals\n");
  expect(simulators.hikcentral.persons.size).toBeLessThan(100);
  await workedOff(daemon, String(body.run));
  asking = false;
  await asked;
  expect(Object.keys(statuses)).toEqual(["200"]);
  const { persons } = simulators.hikcentral.state();
  expect(persons.length).toBe(100);
  for (const { groups, kib, hasFace } of persons)
    expect([groups.length > 0, kib !== "", hasFace]).toEqual([true, true, true]);
  // Those who were worked on after the reload got the other group.
  const zoneI = [...simulators.eposh.days.values()]
    .flat()
    .filter(({ regionals }) => JSON.stringify(regionals).includes('"zona-i"'));
  const inFormer = zoneI.filter(({ identity_number: nik }) =>
    persons.some(({ personCode, groups }) => personCode === nik && groups.includes("1")),
  );
  expect(inFormer.length).toBeLessThan(zoneI.length);
});

test("a bad configuration is refused in words, by name, and all goes on as before", async () => {
  await using simulators = await startSimulators({ people: 20 });
  const { daemon, reload } = await start(simulators);
  await using _daemon = daemon;
  const said = await reload('api_key_ = "geheim-1234"\n[hikcentral]\nconcurrency = 1000\n', /not reloaded.*\n/);
  expect(said).toContain("not reloaded, all goes on with the configuration as it was");
  await until(() => daemon.output().includes("hikcentral.concurrency must be a whole number from 1 to 64"));
  expect(daemon.output()).toContain("eposh.api_key_");
  expect(daemon.output()).not.toContain("geheim-1234");
  const { dead, through } = await daemon.induct();
  expect([dead, through]).toEqual([0, 20]);
});

test("what needs a restart is said by name and left as it was, and the rest is taken over", async () => {
  await using simulators = await startSimulators({ people: 20 });
  const { daemon, reload } = await start(simulators);
  await using _daemon = daemon;
  const said = await reload(
    'app_id = "other-id-1234"\npage_size = 7\n[http]\nhost = "localhost"\n[state]\nkeep_days = 3\n',
    /left as it was.*\n/,
  );
  expect(said).toContain("changed: eposh.page_size\n");
  expect(said).toContain("left as it was until a restart: http.host, eposh.app_id, state.keep_days");
  expect(said).not.toContain("other-id-1234");
  const { dead, through } = await daemon.induct();
  expect([dead, through]).toEqual([0, 20]);
});

test("a trigger that waits for its answer, and those that come while it drains, are answered as ever", async () => {
  await using simulators = await startSimulators({ people: 20 });
  const { daemon, reload } = await start(simulators);
  await using _daemon = daemon;
  const { body } = await daemon.trigger({ from: "2026-01-03", to: "2026-01-03" }, { prefer: "respond-async" });
  simulators.hikcentral.faults.set({ kind: "slow", minMs: 700, match: "single/add" });
  await until(() => simulators.hikcentral.calls["resource/v1/person/personCode/personInfo"]);
  simulators.eposh.faults.set({ kind: "slow", minMs: 1_500, match: "/api/" });
  const waiting = daemon.trigger({ from: "2026-01-06", to: "2026-01-06" });
  await until(() => simulators.eposh.faults.seen.slow);
  const reloaded = reload(`app_id = "${simulators.env.EPOSH_APP_ID}"\npage_size = 7\n`, /Reloaded.*\n/);
  await until(() => daemon.output().includes("Reloading"));
  const during = [8, 9].map((day) => daemon.trigger({ from: `2026-01-0${day}`, to: `2026-01-0${day}` }));
  const state = await daemon.get("/livez");
  expect(daemon.output()).not.toContain("Reloaded");
  expect(state.status).toBe(200);
  await reloaded;
  for (const answer of await Promise.all([waiting, ...during])) expect(answer.status).toBe(200);
  await workedOff(daemon, String(body.run));
});

test("a stage that was changed, and another folder of stages, are said to need a restart", async () => {
  await using simulators = await startSimulators({ people: 20 });
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
  const { daemon, reload, EPOSH_APP_ID } = await start(simulators, stages);
  await using _daemon = daemon;
  const app = `app_id = "${EPOSH_APP_ID}"\n`;
  expect(await reload(`${app}${stages}`, /Reloaded.*\n/)).toContain("changed: nothing");
  expect(daemon.output()).not.toContain("until a restart");
  writeFileSync(file, stage("seen and noted"));
  expect(await reload(`${app}${stages}`, /until a restart.*\n/)).toContain(`until a restart: ${file}`);
  expect(await reload(app, /until a restart: stages.*\n/)).toContain(`until a restart: stages.folder, ${file}`);
  expect((await daemon.induct()).dead).toBe(0);
});
