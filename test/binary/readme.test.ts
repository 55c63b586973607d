import { expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { freePort } from "../support/rabbitmq.ts";

const readme = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const [, firstRun = ""] = /## First run[\s\S]*?```bash\n([\s\S]*?)```/.exec(readme) ?? [];

test("the README's first run, on what simulate prints, makes one person and says who is still to come", async () => {
  const cwd = temporaryFolder();
  symlinkSync(binary, join(cwd, "hikvision-sync"));
  const env = { PATH: `${cwd}:/usr/bin:/bin`, STATE_FOLDER: join(cwd, "state"), HTTP_PORT: String(await freePort()) };
  const simulate = [binary, "simulate", "--eposh-port", "0", "--hikcentral-port", "0"];
  const simulators = Bun.spawn(simulate, { env: {}, stdout: "pipe" });
  let printed = "";
  const reader = simulators.stdout.getReader();
  while (!/HikCentral +GET .*\n/.test(printed)) printed += new TextDecoder().decode((await reader.read()).value);
  // As one would paste it, after the lines that make config.toml.
  const commands = firstRun.slice(firstRun.indexOf("TOML\nhikvision-sync") + 5).replaceAll(" --config config.toml", "");
  const script = `${printed}\nset -x\n${commands}\necho verify ended with $?; kill %1; wait %1; echo serve ended with $?`;
  const shell = Bun.spawn(["bash", "-c", script], { cwd, env, stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
  simulators.kill();
  expect({ err, exit: await simulators.exited }).toMatchObject({ exit: 0 });

  expect(out).toContain("ok: configuration (no file, 12 values from the environment");
  expect(out).toContain("all 14 probes passed");
  expect(out).toContain("zona-i → privilege group 1 → Access Gate Zona 1");
  expect(out).toMatch(/^run \S+: 1 employees, 1 through, 0 with a case, 0 open; 0 without a face$/m);
  expect(out).toMatch(/^persons +1 +98$/m);
  expect(out).toMatch(/^KIB \d+, .*: no such person$/m);
  expect(out).toContain("verify ended with 1\n");
  expect(out).toEndWith("serve ended with 0\n");
});
