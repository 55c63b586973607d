import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { keys } from "../../src/config/keys.ts";
import { run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";

const folder = temporaryFolder();
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const required: Record<string, string> = {
  "eposh.url": "https://eposh.example/api/v1/employees",
  "eposh.api_key": "geheim-api-1",
  "eposh.app_id": "geheim-app-1",
  "hikcentral.url": "https://hikcentral.example",
  "hikcentral.app_key": "geheim-key-1",
  "hikcentral.app_secret": "geheim-secret-1",
};
const env = Object.fromEntries(
  Object.entries(required).map(([name, value]) => [name.replace(".", "_").toUpperCase(), value]),
);

async function out(words: string, more: Record<string, string> = {}): Promise<string> {
  const { exit, out, err } = await run(words, more);
  expect([exit, err]).toEqual([0, ""]);
  return out;
}

/** The rows of `config print`: name → [value, where it came from]. */
const rowsOf = (printed: string) =>
  new Map(
    printed
      .split("\n")
      .map((line) => line.split(/ {2,}/))
      .map(([name = "", ...rest]) => [name, rest]),
  );

/** The sample with every line that only shows something taken as written, and what is required filled in. */
async function wholeExample(): Promise<string> {
  let [section, text] = ["", ""];
  for (const line of (await out("config example")).split("\n")) {
    section = /^\[(.+)\]$/.exec(line)?.[1] ?? section;
    const [, key = ""] = /^(\w+) = ""$/.exec(line) ?? [];
    const value = required[`${section}.${key}`];
    // A fingerprint cannot be made up, and of two ways to trust a server one is enough.
    if (/^#fingerprint/.test(line)) continue;
    text += `${value ? `${key} = "${value}"` : line.replace(/^#(?=[\w.[-]+( =|\]?$))/, "")}\n`;
  }
  return text;
}

test("config schema is a JSON Schema, and takes what the program takes and nothing else", async () => {
  const validate = new Ajv({ strict: true, strictTypes: false }).compile(JSON.parse(await out("config schema")));
  const parse = (text: string): unknown => JSON.parse(JSON.stringify(Bun.TOML.parse(text)));
  expect([validate(parse(await wholeExample())), validate.errors]).toEqual([true, null]);
  expect(validate({})).toBe(true);
  for (const wrong of [
    "[http]\nport = 70000\n",
    "[http]\nprot = 5000\n",
    "[htpp]\nport = 5000\n",
    "[hikcentral]\nsignature = 'half'\n",
    "[hikcentral]\ninsecure = 3\n",
  ])
    expect([wrong, validate(parse(wrong))]).toEqual([wrong, false]);
});

test("config example has every key, and what it shows as a default is the default", async () => {
  const text = await wholeExample();
  const example = await out("config example");
  for (const { section, key } of keys)
    expect(example).toMatch(new RegExp(`\\[${section}\\]\n(?:[^[].*\n)*?#?${key} = `));
  const stages = join(folder, "stages");
  mkdirSync(stages, { mode: 0o755 });
  const whole = text.replace("/etc/hikvision-sync/stages", stages).replaceAll(/^ca_file = .*$/gm, "");
  const asWritten = rowsOf(await out(`config print --config ${file("whole.toml", whole)}`));
  const inForce = rowsOf((await run("config print", env)).out);
  // The sample says what a site wants instead of these, and an example of what has no default.
  const own =
    /^(http\.(socket|cert_file|key_file)|induction\.(from|to|skip)|hikcentral\.kib_field_type|stages\.|log\.format|state\.folder|photo\.allowed_hosts|broker\.prefetch)/;
  for (const [name, [value]] of inForce)
    if (!own.test(name)) expect([name, asWritten.get(name)?.[0]]).toEqual([name, value]);
});

test("config print shows each value and where it came from, and of a secret only that it is there", async () => {
  const credentials = join(folder, "credentials");
  mkdirSync(credentials);
  writeFileSync(join(credentials, "hikcentral_app_secret"), "geheim-credential\n");
  const toml = file("site.toml", '[http]\nport = 5001\ntoken = "geheim-token-1234"\n[regionals]\ntuks = "12"\n');
  const { HIKCENTRAL_APP_SECRET: _, ...others } = env;
  const printed = await run(`config print --config ${toml}`, {
    ...others,
    CREDENTIALS_DIRECTORY: credentials,
    BROKER_URL: "amqp://sync:geheim-broker@rabbit.example/",
    BROKER_RETRY_DELAYS: "5s,90s",
  });
  expect(printed.exit).toBe(0);
  const rows = rowsOf(printed.out);
  expect(rows.get("http.port")).toEqual(["5001", toml]);
  expect(rows.get("http.token")).toEqual(["[secret]", toml]);
  expect(rows.get("regionals.tuks")).toEqual(["12", toml]);
  expect(rows.get("hikcentral.app_secret")).toEqual(["[secret]", "credential hikcentral_app_secret"]);
  expect(rows.get("eposh.api_key")).toEqual(["[secret]", "EPOSH_API_KEY"]);
  expect(rows.get("broker.retry_delays")).toEqual(["5s, 90s", "BROKER_RETRY_DELAYS"]);
  expect(rows.get("broker.url")).toEqual(["amqp://sync:[secret]@rabbit.example/", "BROKER_URL"]);
  expect(rows.get("http.host")).toEqual(["127.0.0.1", "default"]);
  expect(printed.out + printed.err).not.toContain("geheim");
});

test.each(["check", "doctor", "serve", "config print"])(
  "a password with an unencoded / # ? or @ ends %s with what to write instead, and is not printed",
  async (command) => {
    for (const password of ["2026/Gerbang", "2026#Gerbang", "12?Gerbang", "rahasia#1", "Ger@bang"]) {
      const {
        exit,
        out: printed,
        err,
      } = await run(command, {
        ...env,
        BROKER_URL: `amqp://hikvision:${password}@127.0.0.1:5672/`,
      });
      expect({ exit, err }).toEqual({
        exit: 78,
        err: expect.stringContaining("/ as %2F, # as %23, ? as %3F, @ as %40"),
      });
      expect(printed + err).not.toMatch(/2026|Gerbang|rahasia|Ger@|bang@/);
    }
  },
);
