import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeCommands } from "../../packaging/commands.ts";
import { flatten } from "../../packaging/completion.ts";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";

const folder = temporaryFolder();
const plain = join(folder, "plain");
mkdirSync(plain);
const needed = {
  EPOSH_URL: "http://127.0.0.1:9/employees",
  EPOSH_API_KEY: "eposh-key-1",
  EPOSH_APP_ID: "eposh-app-1",
  HIKCENTRAL_URL: "http://127.0.0.1:9",
  HIKCENTRAL_APP_KEY: "hik-key-1",
  HIKCENTRAL_APP_SECRET: "hik-secret-1",
};

/** Runs the binary with this environment and no other. */
function run(words: string, { env = {}, cwd = plain }: { env?: Record<string, string>; cwd?: string } = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([binary, ...words.split(" ").filter(Boolean)], {
    env,
    cwd,
  });
  return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
}

test("the program needs nothing beside it and says which one it is", () => {
  expect(run("version")).toMatchObject({ exit: 0, err: "" });
  expect(run("version").out).toMatch(/^hikvision-sync \d+\.\d+\.\d+ \(([0-9a-f]{12}, )?bun [\d.]+, linux \w+\)\n$/);
  expect(run("--version")).toEqual(run("version"));
});

describe("what lies in the working directory", () => {
  const cwd = join(folder, "stray");
  const witness = join(cwd, "was-run");
  beforeAll(() => {
    mkdirSync(cwd);
    const preload = `require("node:fs").writeFileSync(${JSON.stringify(witness)}, "")`;
    writeFileSync(join(cwd, ".env"), "HTTP_PORT=nonsense\n");
    writeFileSync(join(cwd, ".env.production"), "HTTP_PORT=nonsense\n");
    writeFileSync(join(cwd, "preload.js"), preload);
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.js"]\n[run]\nsilent = true\n');
    writeFileSync(join(cwd, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./preload.js"]},"baseUrl":"."}}');
    writeFileSync(join(cwd, "package.json"), '{"name":"stray","imports":{"#x":"./preload.js"},"main":"./preload.js"}');
  });

  test("changes nothing", () => {
    for (const words of ["version", "check", "check --help", "chek"]) {
      expect(run(words, { env: needed, cwd })).toEqual(run(words, { env: needed }));
      expect(existsSync(witness)).toBe(false);
    }
  });
});

test("the help of every command fits 80 columns", async () => {
  const commands = flatten(await describeCommands());
  expect(commands.length).toBeGreaterThan(20);
  const wide = commands.flatMap(({ path }) => {
    const { exit, out } = run([...path, "--help"].join(" "));
    expect(exit).toBe(0);
    return out.split("\n").filter((line) => line.trimEnd().length > 80);
  });
  expect(wide).toEqual([]);
});

describe("a command line that is wrong ends with 64 and a suggestion", () => {
  test.each([
    ["chek", "unknown command chek: did you mean check?"],
    ["check --confgi x", "unknown flag --confgi: did you mean --config?"],
    ["check --config", "--config requires a value"],
    ["version now", "unexpected argument now: see hikvision-sync version --help"],
    ["check 3500000000000001", "unexpected argument [nik]: see hikvision-sync check --help"],
  ])("%s", (words, text) => {
    expect(run(words)).toEqual({ exit: 64, out: "", err: `${text}\n` });
  });

  test("and none at all with the usage", () => {
    expect(run("")).toMatchObject({ exit: 64, out: "" });
    expect(run("").err).toContain("USAGE hikvision-sync");
  });
});

test("--help explains at every level, without colours where nobody sees them", () => {
  for (const [words, text] of [
    ["--help", "COMMANDS"],
    ["-h", "COMMANDS"],
    ["check --help", "--config=<file>"],
    ["version -h", "USAGE hikvision-sync version"],
  ] as const) {
    const { exit, out, err } = run(words);
    expect({ exit, err }).toEqual({ exit: 0, err: "" });
    expect(out).toContain(text);
    expect(out).not.toContain("\x1b");
  }
});

describe("check", () => {
  test("ends with 0 where the configuration is whole", () => {
    const { exit, out } = run("check", {
      env: { ...needed, INDUCTION_TO: "today", INDUCTION_FROM: "today-7" },
    });
    expect({ exit, out }).toEqual({
      exit: 0,
      out: expect.stringMatching(/^ok: configuration \(.*8 values from the environment/),
    });
  });

  test("ends with 78 and names everything bad, unknown and missing at once, and no value", () => {
    const file = join(folder, "bad.toml");
    writeFileSync(file, '[hikcentral]\nurl = "value-1"\napp_secert = "value-2"\n[log]\nlevel = "value-3"\n');
    const { exit, out, err } = run(`check --config ${file}`, {
      env: { HTTP_PORT: "value-4", LOG_FORMAT: "" },
    });
    expect({ exit, out }).toEqual({ exit: 78, out: "" });
    const named = [
      "hikcentral.url must",
      "unknown key hikcentral.app_secert in the file: did you mean hikcentral.app_secret?",
    ];
    for (const text of [
      ...named,
      "log.level must",
      "http.port must",
      "eposh.url is missing",
      "hikcentral.app_key is missing",
    ])
      expect(err).toContain(text);
    expect(err).not.toContain("value-");
  });

  test("ends with 78 where the file is not there", () => {
    expect(run("check --config /nonexistent/x.toml")).toMatchObject({ exit: 78, out: "" });
  });
});
