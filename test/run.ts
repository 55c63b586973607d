/**
 * `npm test`: types, lint and the unit tests; then the binary, and every file that needs a broker or a process.
 * `npm run test:all`: the files called *.long.test.ts as well. `npm test -- outage/` runs only the files of that name.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Subprocess, spawn } from "bun";
import { startRabbit } from "./support/rabbitmq.ts";
import { installRabbit } from "./support/rabbitmq-install.ts";

const root = join(import.meta.dir, "..");
const bin = join(root, "node_modules/.bin");
const { values: flags, positionals: wanted } = parseArgs({
  options: { all: { type: "boolean" }, verbose: { type: "boolean" } },
  allowPositionals: true,
});
let passed = 0;
let failed = 0;
const running = new Set<Subprocess>();
/** Of the terminal or the CI that began this: colours would hide the counts, and all that is asked for is here. */
const foreign = { FORCE_COLOR: undefined, NO_PROXY: "127.0.0.1,localhost", no_proxy: "127.0.0.1,localhost" };
/** By a signal: no further test begins. */
let isStopped = false;
/** Where the tests keep their files: what is left in it at the end was not removed by the test that made it. */
const scratch = mkdtempSync(join(tmpdir(), "hikvision-sync-tests-"));
// Some tests become another user.
chmodSync(scratch, 0o755);

/** One line where it is well, and what it printed of its failures where it is not. */
async function step(title: string, command: string[], env: Readonly<Record<string, string>> = {}): Promise<boolean> {
  const started = performance.now();
  const own = { ...process.env, ...foreign, TMPDIR: scratch, ...env };
  const child = spawn(command, { cwd: root, env: own, stdout: "pipe", stderr: "pipe" });
  running.add(child);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  running.delete(child);
  const text = `${out}${err}`;
  const count = (word: string) => Number(text.match(new RegExp(`^\\s*(\\d+) ${word}$`, "m"))?.[1] ?? 0);
  const isTest = command.includes("test");
  passed += isTest ? count("pass") : Number(code === 0);
  failed += code === 0 ? 0 : Math.max(1, count("fail"));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  // Two processors share all files: the sum of it is what bounds the whole.
  const cpu = (Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6).toFixed(1);
  const tests = isTest ? `${count("pass")} tests, ` : "";
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${title} (${tests}${seconds} s, ${cpu} s of CPU)`);
  if (flags.verbose) console.log(text);
  else if (code !== 0) console.log(text.replace(/^\(pass\).*\n/gm, ""));
  else for (const line of text.match(/^(SKIPPED|STEP) .*$/gm) ?? []) console.log(line);
  return code === 0;
}

/** Those that take longest begin first, so that none of them is alone at the end. */
const longest = [
  "faults/faults.long",
  "model/model.long",
  "outage/quorum.long",
  "faults/rabbitmq4-quorum.long",
  "faults/rabbitmq4-classic.long",
  "progress/slow",
  "faults/faults",
  "model/model",
  "systemd/service",
  "outage/pause",
  "ui/page",
  "binary/demo",
  "stages/author.long",
  "binary/trigger",
  "outage/broker-away",
  "operator/dead-letters",
  "broker/amqp-restart",
  "pipeline/comparison",
  "operator/commands",
  "outage/poison.long",
];
/** What promises a time needs both processors. */
const alone = ["outage/cluster.long", "outage/minority.long", "binary/demo.long", "fuzz/bad-input.long"];
const nameOf = (file: string) => file.replace(/\.test\.ts$/, "");
const rank = (file: string) => longest.indexOf(nameOf(file)) + 1 || longest.length + 1;
const isLong = (file: string) => file.endsWith(".long.test.ts");
const isAsked = (file: string) => wanted.length === 0 || wanted.some((part) => file.includes(part));
const files = [...new Bun.Glob("**/*.test.ts").scanSync(import.meta.dir)]
  .filter((file) => !file.startsWith("unit/") && isAsked(file))
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));

/** Of one test: more than twice what the longest takes in the company of the others. A test that needs more says so. */
const testMs = 120_000;
const test = async (path: string, env: Readonly<Record<string, string>> = {}) =>
  !isStopped && step(nameOf(path), [join(bin, "bun"), "test", `./test/${path}`, "--timeout", `${testMs}`], env);

async function testAll(): Promise<void> {
  await installRabbit();
  let starting: ReturnType<typeof startRabbit> | undefined;
  const stopRabbit = () =>
    starting?.then(
      (rabbit) => rabbit.stop(),
      () => {},
    );
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      isStopped = true;
      for (const child of running) child.kill("SIGKILL");
    });
  try {
    const build = () => {
      // It takes its ten seconds meanwhile.
      starting = startRabbit();
      return step("build", [join(bin, "bun"), "build.ts"]);
    };
    const types = () => step("types", [join(bin, "tsc")]);
    const lint = () => step("lint", [join(bin, "biome"), "check", "--error-on-warnings", "."]);
    // The build begins after lint: types and unit tests then say within twenty seconds what is wrong.
    const checks = wanted.length > 0 ? [build] : [types, async () => (await lint()) && build(), () => test("unit")];
    const first = await Promise.all(checks.map((check) => check()));
    const rabbit = await starting;
    if (!first.every(Boolean) || rabbit === undefined) return;
    const { env } = rabbit;
    const waiting = files.filter((file) => (flags.all || !isLong(file)) && !alone.includes(nameOf(file)));
    for (const file of flags.all ? files : []) if (alone.includes(nameOf(file))) await test(file, env);
    const lane = async () => {
      for (let file = waiting.shift(); file; file = waiting.shift()) await test(file, env);
    };
    // Five for two processors, because they wait a lot: every file has a virtual host, folders and ports of its own.
    await Promise.all([lane(), lane(), lane(), lane(), lane()]);
    const skipped = flags.all ? [] : files.filter(isLong);
    if (skipped.length > 0) console.log(`SKIPPED ${skipped.map(nameOf).join(", ")}: npm run test:all runs them too`);
  } finally {
    await stopRabbit();
  }
}

await testAll().catch((error: unknown) => {
  failed++;
  console.log(error instanceof Error ? error.message : error);
});
const left = readdirSync(scratch);
rmSync(scratch, { recursive: true });
if (left.length > 0) {
  failed++;
  console.log(`FAIL the tests left behind ${left.join(", ")}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
