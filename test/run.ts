/** `npm test`: types and lint, the unit tests, then the binary and everything that needs a broker or a process. */
import { spawn } from "bun";
import { startRabbit } from "./support/rabbitmq.ts";

const root = `${import.meta.dir}/..`;
const bin = `${root}/node_modules/.bin`;
let failed = 0;
let passed = 0;

async function step(title: string, command: string[], env: Record<string, string> = {}): Promise<boolean> {
  const started = performance.now();
  const child = spawn(command, {
    cwd: root,
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const text = `${out}${err}`;
  const count = (word: string) => Number(text.match(new RegExp(`^\\s*(\\d+) ${word}$`, "m"))?.[1] ?? 0);
  const isTest = command.includes("test");
  passed += isTest ? count("pass") : Number(code === 0);
  failed += code === 0 ? 0 : Math.max(1, count("fail"));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${title} (${isTest ? `${count("pass")} tests, ` : ""}${seconds} s)`);
  if (code !== 0 || process.argv.includes("--verbose")) console.log(text);
  for (const line of text.match(/^(SKIPPED|STEP) .*$/gm) ?? []) console.log(line);
  return code === 0;
}

const bunTest = (...paths: string[]) => [`${bin}/bun`, "test", ...paths];

const first = await Promise.all([
  step("types", [`${bin}/tsc`]),
  step("lint", [`${bin}/biome`, "check", "--error-on-warnings", "."]),
  step("unit", bunTest("test/unit", "--timeout", "60000")),
]);
if (first.every(Boolean)) {
  await using rabbit = await startRabbit();
  if (await step("build", [`${bin}/bun`, "build.ts"])) {
    const { env } = rabbit;
    for (const group of [
      "hikcentral",
      "photo.test.ts",
      "simulator",
      "broker",
      "access",
      "doctor",
      "stages",
      "pipeline",
      "operator",
      "outage",
      "binary",
      "systemd",
    ]) {
      await step(group, bunTest(`test/${group}`, "--timeout", "60000"), env);
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
