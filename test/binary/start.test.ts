import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const folders = Array.from({ length: 4 }, temporaryFolder) as [string, string, string, string];
const linesOf = (output: string) => output.split("\n").filter(Boolean);

test("the start is one block: version, sources, broker, upstreams, group names, and the stages with their origin", async () => {
  await using simulators = await startSimulators({ people: 0 });
  const [folder] = folders;
  const stages = join(folder, "stages");
  mkdirSync(stages);
  chmodSync(stages, 0o755);
  const stage =
    'name: "gate-log", queue: "gate_log", after: "assign-privilege", message: v.any(), run: async () => end("")';
  const text = `import { defineStage, end, v } from "hikvision-sync";\nexport default defineStage({ ${stage} });\n`;
  writeFileSync(join(stages, "gate-log.ts"), text, { mode: 0o644 });
  const file = join(folder, "config.toml");
  writeFileSync(file, `[stages]\nfolder = "${stages}"\n`);
  const credentials = join(folder, "credentials");
  mkdirSync(credentials);
  const { HIKCENTRAL_APP_SECRET: secret = "", ...env } = environmentOf(simulators);
  writeFileSync(join(credentials, "hikcentral_app_secret"), secret);
  await using daemon = await startDaemon({ ...env, CREDENTIALS_DIRECTORY: credentials }, folder, ["--config", file]);
  const output = daemon.output();
  const [block = ""] = output.split(/\n(?=\d\d:)/);
  expect(linesOf(block)[0]).toMatch(/^\d\d:\d\d:\d\d hikvision-sync \d+\.\d+\.\d+ \(/);
  const variables = Object.keys(env).length + 2;
  const groups = {
    "zona-i": "1 → Access Gate Zona 1",
    tuks: "8 → Access Gate TUKS",
    kawasan: "9 → Access Gate Kawasan",
  };
  for (const said of [
    `configuration  ${file}, ${variables} values from the environment, 1 from credentials`,
    `trigger        POST ${daemon.url}/eposh-induction`,
    `broker         the embedded queue, ${join(folder, "queue.db")}`,
    `Eposh          ${simulators.eposh.origin}`,
    `HikCentral     ${simulators.hikcentral.origin}`,
    ...Object.entries(groups).map(([slug, group]) => `regional       ${slug} → privilege group ${group}`),
    "KIB            custom field 1 → KIB, type 1",
    "stage          publisher ← hikvision_queue (built in)",
    `stage          gate-log ← gate_log (${join(stages, "gate-log.ts")})`,
  ])
    expect(block).toContain(`\n  ${said}`);
  expect(output).not.toContain(secret);
});

test("under systemd each line has its priority, and what fails says its run, stage, KIB and code", async () => {
  await using simulators = await startSimulators({ people: 3 });
  const nameless = {
    identity_number: "3500003101900001",
    kib_number: "2600001",
    name: null,
    regionals: [],
    photo: null,
  };
  simulators.eposh.days.set("2026-01-03", [nameless]);
  await using daemon = await startDaemon({ ...environmentOf(simulators), JOURNAL_STREAM: "8:1234" }, folders[1]);
  const { body } = await daemon.trigger({ from: "2026-01-03", to: "2026-01-03" });
  const dead = () => linesOf(daemon.output()).find((line) => line.includes("code=bad_name"));
  const line = await until(dead, { what: "the dead letter in the log" });
  expect(line).toMatch(/^<[34]>/);
  for (const field of [`run=${body.run}`, "stage=create-person", "kib=2600001"]) expect(line).toContain(` ${field}`);
  for (const each of linesOf(daemon.output())) expect(each).toMatch(/^<[3467]>/);
});

test("json on request: every line of it is one object", async () => {
  await using simulators = await startSimulators({ people: 0 });
  await using daemon = await startDaemon({ ...environmentOf(simulators), LOG_FORMAT: "json" }, folders[2]);
  for (const line of linesOf(daemon.output()))
    expect(JSON.parse(line)).toMatchObject({
      time: expect.any(String),
      level: expect.any(String),
      text: expect.any(String),
    });
});

test("a HikCentral that says nothing holds up neither the trigger nor the stages, and its names follow once", async () => {
  await using simulators = await startSimulators({ people: 2 });
  simulators.hikcentral.faults.set({ kind: "hang" });
  await using daemon = await startDaemon({ ...environmentOf(simulators), HIKCENTRAL_TIMEOUT: "2s" }, folders[3]);
  await until(() => daemon.output().includes("take work from"));
  expect(daemon.output()).toContain("zona-i → 1, zona-ii → 2");
  expect((await daemon.trigger()).status).toBe(200);
  simulators.hikcentral.faults.set();
  await until(() => simulators.hikcentral.persons.size === 2, { timeoutMs: 40_000, what: "both persons" });
  const named = linesOf(daemon.output()).filter((line) =>
    line.includes("regional: zona-i → privilege group 1 → Access Gate Zona 1"),
  );
  expect(named.length).toBe(1);
});
