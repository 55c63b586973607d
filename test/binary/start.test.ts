import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";
import { folderWith } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

const linesOf = (output: string) => output.split("\n").filter(Boolean);

test("the start is one block: version, sources, broker, upstreams, group names, and the stages with their origin", async () => {
  const stage =
    'name: "gate-log", queue: "gate_log", after: "assign-privilege", message: v.any(), run: async () => end("")';
  const text = `import { defineStage, end, v } from "hikvision-sync";\nexport default defineStage({ ${stage} });\n`;
  const stages = folderWith({ "gate-log.ts": text });
  const credentials = temporaryFolder();
  let secret = "";
  await using site = await startSite({
    as: "binary",
    config: `[stages]\nfolder = "${stages}"\n`,
    // An empty one counts as not set.
    env: { CREDENTIALS_DIRECTORY: credentials, HIKCENTRAL_APP_SECRET: "" },
    prepare({ hikcentral }) {
      secret = hikcentral.appSecret;
      writeFileSync(join(credentials, "hikcentral_app_secret"), secret);
    },
  });
  await until(() => site.output().includes("custom field"));
  const output = site.output();
  expect(linesOf(output)[0]).toMatch(/^\d\d:\d\d:\d\d hikvision-sync \d+\.\d+\.\d+ \(/);
  const block = linesOf(output).map((line) => line.replace(/^\d\d:\d\d:\d\d {3}/, ""));
  const variables = Object.keys(site.env).length - 2;
  const groups = {
    "zona-i": "1 → Access Gate Zona 1",
    tuks: "8 → Access Gate TUKS",
    kawasan: "9 → Access Gate Kawasan",
  };
  for (const said of [
    `configuration  ${site.configFile}, ${variables} values from the environment, 1 from credentials`,
    `trigger        POST ${site.url}/eposh-induction`,
    `operators      ${site.socket}`,
    `broker         the embedded queue, ${join(site.folder, "queue.db")}`,
    `Eposh          ${site.eposh.origin}`,
    `HikCentral     ${site.hikcentral.origin}`,
    ...Object.entries(groups).map(([slug, group]) => `regional       ${slug} → privilege group ${group}`),
    "KIB            custom field 1 → KIB, type 1",
    "stage          publisher ← hikvision_queue (built in)",
    `stage          gate-log ← gate_log (${join(stages, "gate-log.ts")})`,
  ])
    expect(block).toContain(said);
  expect(output).not.toContain(secret);
});

test("under systemd each line has its priority, and what fails says its run, stage, KIB and code", async () => {
  await using site = await startSite({ as: "binary", env: { JOURNAL_STREAM: "8:1234" } });
  const nameless = {
    identity_number: "3500003101900001",
    kib_number: "2600001",
    name: null,
    regionals: [],
    photo: null,
  };
  site.eposh.days.set("2026-01-03", [nameless]);
  const { body } = await site.trigger({ from: "2026-01-03", to: "2026-01-03" });
  const dead = () => linesOf(site.output()).find((line) => line.includes("code=bad_name"));
  const line = await until(dead, { what: "the dead letter in the log" });
  expect(line).toMatch(/^<[34]>/);
  for (const field of [`run=${body.run}`, "stage=create-person", "kib=2600001"]) expect(line).toContain(` ${field}`);
  for (const each of linesOf(site.output())) expect(each).toMatch(/^<[3467]>/);
});

test("json on request: every line of it is one object", async () => {
  await using site = await startSite({ as: "binary", env: { LOG_FORMAT: "json" } });
  for (const line of linesOf(site.output()))
    expect(JSON.parse(line)).toMatchObject({
      time: expect.any(String),
      level: expect.any(String),
      text: expect.any(String),
    });
});

test("a HikCentral that says nothing holds up neither the trigger nor the stages, and its names follow once", async () => {
  const faults = { hikcentral: [{ kind: "hang" }] } as const;
  await using site = await startSite({ as: "binary", people: 2, faults, env: { HIKCENTRAL_TIMEOUT: "2s" } });
  const ids = "zona-i → 1, zona-ii → 2";
  await until(() => site.output().includes(ids));
  expect(site.output().indexOf("stages take work")).toBeLessThan(site.output().indexOf(ids));
  expect((await site.trigger()).status).toBe(200);
  site.hikcentral.faults.set();
  await until(() => site.hikcentral.persons.size === 2, { what: "both persons" });
  const named = linesOf(site.output()).filter((line) =>
    line.includes("regional: zona-i → privilege group 1 → Access Gate Zona 1"),
  );
  expect(named.length).toBe(1);
});
