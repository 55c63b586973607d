/** `npm test`: types, lint and the unit tests; then the binary, and everything that needs a broker or a process. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Subprocess, spawn } from "bun";
import { startRabbit } from "./support/rabbitmq.ts";
import { installRabbit } from "./support/rabbitmq-install.ts";

const root = join(import.meta.dir, "..");
const bin = join(root, "node_modules/.bin");
const isVerbose = process.argv.includes("--verbose");
let passed = 0;
let failed = 0;
const running = new Set<Subprocess>();

/** One line where it is well, and what it printed of its failures where it is not. */
async function step(title: string, command: string[], env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, { cwd: root, env: { ...process.env, ...env }, stdout: "pipe", stderr: "pipe" });
  running.add(child);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  running.delete(child);
  const text = `${out}${err}`;
  const count = (word: string) => Number(text.match(new RegExp(`^\\s*(\\d+) ${word}$`, "m"))?.[1] ?? 0);
  const isTest = command.includes("test");
  passed += isTest ? count("pass") : Number(code === 0);
  failed += code === 0 ? 0 : Math.max(1, count("fail"));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${title} (${isTest ? `${count("pass")} tests, ` : ""}${seconds} s)`);
  if (isVerbose) console.log(text);
  else if (code !== 0) console.log(text.replace(/^\(pass\).*\n/gm, ""));
  else for (const line of text.match(/^(SKIPPED|STEP) .*$/gm) ?? []) console.log(line);
  return code === 0;
}

const longest = ["binary", "outage", "systemd", "stages", "operator", "broker", "pipeline", "access", "doctor"];
const rank = (name: string) => longest.indexOf(name) + 1 || longest.length + 1;
/** Folders and files of test/ that hold tests, those that take longest first. */
const groups = readdirSync(import.meta.dir)
  .filter(
    (name) => name.endsWith(".test.ts") || !new Bun.Glob(`${name}/*.test.ts`).scanSync(import.meta.dir).next().done,
  )
  .sort((a, b) => rank(a) - rank(b));

const group = (name: string, env: Readonly<Record<string, string>> = {}) =>
  step(name.replace(".test.ts", ""), [join(bin, "bun"), "test", `test/${name}`, "--timeout", "60000"], env);

async function testAll(): Promise<void> {
  await installRabbit();
  // It takes its ten seconds meanwhile.
  const starting = startRabbit();
  const stopRabbit = () =>
    starting.then(
      (rabbit) => rabbit.stop(),
      () => {},
    );
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      for (const child of running) child.kill("SIGKILL");
      void stopRabbit().then(() => process.exit(1));
    });
  try {
    const first = await Promise.all([
      step("types", [join(bin, "tsc")]),
      step("lint", [join(bin, "biome"), "check", "--error-on-warnings", "."]),
      group("unit"),
      step("build", [join(bin, "bun"), "build.ts"]),
    ]);
    if (!first.every(Boolean)) return;
    const { env } = await starting;
    const waiting = groups.filter((name) => name !== "unit" && name !== "faults");
    const lane = async () => {
      for (let name = waiting.shift(); name; name = waiting.shift()) await group(name, env);
    };
    // Three for two processors, because they wait a lot: every file has a virtual host, folders and ports of its own.
    await Promise.all([lane(), lane(), lane()]);
    // It has lanes of its own.
    await group("faults", env);
  } finally {
    await stopRabbit();
  }
}

await testAll().catch((error: unknown) => {
  failed++;
  console.log(error instanceof Error ? error.message : error);
});
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
