import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { brokerAt, brokerOf, type ReadOptions, readConfig, siteOf } from "../../src/config/load.ts";
import { Exit, exits } from "../../src/errors.ts";
import { createMask } from "../../src/observability/mask.ts";
import { closest } from "../../src/util/closest.ts";

const folder = mkdtempSync(join(tmpdir(), "config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const needed = {
  EPOSH_URL: "https://eposh.test/api/employees",
  EPOSH_API_KEY: "eposh-key-1",
  EPOSH_APP_ID: "eposh-app-1",
  HIKCENTRAL_URL: "https://hikcentral.test:444/artemis/",
  HIKCENTRAL_APP_KEY: "hik-key-1",
  HIKCENTRAL_APP_SECRET: "hik-secret-1",
};
interface Given extends Omit<ReadOptions, "file"> {
  toml?: string;
  credentials?: Record<string, string>;
}
let count = 0;
const place = ({ toml, credentials, env, ...rest }: Given = {}): ReadOptions => {
  const own = join(folder, String(count++));
  mkdirSync(join(own, "credentials"), { recursive: true });
  if (toml !== undefined) writeFileSync(join(own, "config.toml"), toml);
  for (const [name, value] of Object.entries(credentials ?? {})) writeFileSync(join(own, "credentials", name), value);
  const where = credentials ? { CREDENTIALS_DIRECTORY: join(own, "credentials") } : {};
  const file = toml === undefined ? undefined : join(own, "config.toml");
  return {
    file,
    defaultFile: join(own, "none"),
    terminal: false,
    env: { HOME: "/home/x", ...where, ...env },
    ...rest,
  };
};
const read = (given: Given = {}) => readConfig(place({ ...given, env: { ...needed, ...given.env } }));
/** The lines of a refusal. */
const refused = (options: ReadOptions): string[] => {
  try {
    readConfig(options);
  } catch (error) {
    expect(error).toBeInstanceOf(Exit);
    expect((error as Exit).exit).toBe(exits.config);
    return (error as Exit).message.split("\n").map((line) => line.trim());
  }
  throw new Error("it was not refused");
};

describe("defaults", () => {
  test("are those of the original site", () => {
    const { config, file } = read();
    expect(file).toBeUndefined();
    expect(config).toMatchObject({
      http: { host: "127.0.0.1", port: 5000, ui: true },
      broker: {
        retryDelaysMs: [5_000, 30_000, 120_000, 600_000, 3_600_000],
        shutdownTimeoutMs: 20_000,
        stallTimeoutMs: 60_000,
      },
      eposh: { pageSize: 100, timeoutMs: 30_000 },
      hikcentral: {
        url: "https://hikcentral.test:444",
        signature: "minimal",
        insecure: false,
        concurrency: 2,
        organisation: "1",
        gender: 0,
      },
      site: { timeZone: "Asia/Jakarta" },
      induction: { from: "today-7", to: "today", skip: [], maxDays: 92 },
      regionals: { "zona-i": "1", "zona-ii": "2", "zona-iii": "6", "zona-iv": "7", tuks: "8", kawasan: "9" },
      photo: {
        allowedHosts: ["eposh.test", "storage.googleapis.com"],
        maxBytes: 10_485_760,
        timeoutMs: 20_000,
        required: false,
      },
      stages: { disabled: ["apply-access"], settings: {} },
      log: { level: "info", format: "pretty" },
      state: { folder: "/home/x/.local/state/hikvision-sync", keepDays: 90 },
    });
    expect(brokerOf(config)).toEqual({
      kind: "sqlite",
      file: "/home/x/.local/state/hikvision-sync/queue.db",
    });
  });

  test("follow where the program runs", () => {
    const journal = { JOURNAL_STREAM: "8:1", STATE_DIRECTORY: "/var/lib/one:/var/lib/two" };
    expect(read({ env: journal }).config).toMatchObject({
      log: { format: "journal" },
      state: { folder: "/var/lib/one" },
    });
    expect(read({ env: journal, terminal: true }).config.log.format).toBe("pretty");
    expect(read({ env: journal }).sources["state.folder"]).toBe("environment");
  });

  test("nobody can change the result", () => {
    const { config } = read();
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
    expect(() => (config.broker.retryDelaysMs as number[]).push(1)).toThrow(TypeError);
  });
});

describe("precedence", () => {
  const toml = `
[http]
port = 1001
[hikcentral]
concurrency = 3
app_key = "from-file"
[photo]
required = true
`;

  test("credentials win over the environment, which wins over the file", () => {
    const { config, sources } = read({
      toml,
      env: { HTTP_PORT: "1002", HIKCENTRAL_APP_KEY: "from-environment" },
      credentials: { hikcentral_app_key: "from-credentials\n" },
    });
    expect(config.photo.required).toBe(true);
    expect(config.http.port).toBe(1002);
    expect(config.hikcentral.appKey.reveal()).toBe("from-credentials");
    expect(sources).toMatchObject({
      "photo.required": "file",
      "http.port": "environment",
      "hikcentral.app_key": "credentials",
      "hikcentral.gender": "default",
    });
  });

  test("an empty value counts as not set", () => {
    const { config, sources } = read({
      toml,
      env: { HTTP_PORT: "", PHOTO_REQUIRED: "" },
      credentials: { http_token: "\n" },
    });
    expect(config.http).toMatchObject({ host: "127.0.0.1", port: 1001, ui: true });
    expect(config.http.token).toBeUndefined();
    expect(sources["http.port"]).toBe("file");
  });
});

describe("values", () => {
  test("in the file are typed, dates bare or quoted, lists lists or texts", () => {
    const { config } = read({
      toml: `
[broker]
retry_delays = ["1s", "1m"]
[induction]
from = 2026-03-01
to = "today"
skip = []
[hikcentral]
valid_until = 2037-12-30
organisation = 12
fingerprint = "${"AB:".repeat(31)}CD"
[photo]
allowed_hosts = "Photos.Test, 127.0.0.1"
`,
    });
    expect(config.broker.retryDelaysMs).toEqual([1_000, 60_000]);
    expect(config.induction).toMatchObject({ from: "2026-03-01", to: "today", skip: [] });
    expect(config.hikcentral).toMatchObject({
      validUntil: "2037-12-30",
      organisation: "12",
      fingerprint: `${"ab".repeat(31)}cd`,
    });
    expect(config.photo.allowedHosts).toEqual(["photos.test", "127.0.0.1"]);
  });

  test("in the environment are texts, lists with commas", () => {
    const { config } = read({
      env: {
        BROKER_RETRY_DELAYS: "1s, 2s",
        PHOTO_REQUIRED: "true",
        HIKCENTRAL_GENDER: "2",
        STAGES_DISABLED: "a,b",
        INDUCTION_FROM: "today-7",
      },
    });
    expect(config).toMatchObject({
      broker: { retryDelaysMs: [1_000, 2_000] },
      photo: { required: true },
      hikcentral: { gender: 2 },
      stages: { disabled: ["a", "b"] },
      induction: { from: "today-7" },
    });
  });

  test.each([
    ["HTTP_PORT", "65536"],
    ["HTTP_PORT", "5e3"],
    ["HTTP_TOKEN", "short-token-123"],
    ["HTTP_TOKEN", " blank-at-the-start-1234"],
    ["HTTP_TOKEN", "blank-at-the-end-1234 "],
    ["HTTP_TOKEN", "kata-sandi-panjang-é"],
    ["BROKER_URL", "http://127.0.0.1"],
    ["BROKER_URL", "sqlite:relative"],
    ["BROKER_URL", "amqp://user:100%@127.0.0.1"],
    ["BROKER_PREFETCH", "0"],
    ["BROKER_RETRY_DELAYS", "5s,5s"],
    ["BROKER_STALL_TIMEOUT", "60"],
    ["EPOSH_URL", "ftp://eposh.test"],
    ["HIKCENTRAL_URL", "https://user:word@hikcentral.test"],
    ["HIKCENTRAL_SIGNATURE", "medium"],
    ["HIKCENTRAL_GENDER", "3"],
    ["HIKCENTRAL_VALID_FROM", "today-1"],
    ["HIKCENTRAL_VALID_UNTIL", "2037-12-31"],
    ["HIKCENTRAL_INSECURE", "yes"],
    ["HIKCENTRAL_FINGERPRINT", "abcd"],
    ["SITE_TIME_ZONE", "Asia/Nowhere"],
    ["INDUCTION_FROM", "2026-02-30"],
    ["INDUCTION_SKIP", "2026-01-01,tomorrow"],
    ["LOG_LEVEL", "loud"],
    ["STAGES_UPDATE_KIB_CONCURRENCY", "none"],
  ])("%s is refused by name when it is %p", (variable, value) => {
    const [, problem, ...others] = refused(
      place({ env: { ...needed, [variable]: value }, stageNames: ["update-kib"] }),
    );
    expect(others).toEqual([]);
    expect(problem).toContain(`(${variable})`);
    expect(problem).not.toContain(value.length > 1 ? value : `be ${value}`);
  });
});

describe("regionals", () => {
  test("are merged slug by slug, and an empty id takes one away", () => {
    const { config } = read({
      toml: '[regionals]\ntuks = ""\nzona_i = 11\n"zona-v" = "12"',
      env: { REGIONALS_ZONA_V: "13", REGIONALS_ZONA_VI: "14", REGIONALS_ZONA_I: "15", REGIONALS_KAWASAN: "" },
    });
    expect(config.regionals).toEqual({
      zona_i: "15",
      "zona-ii": "2",
      "zona-iii": "6",
      "zona-iv": "7",
      "zona-v": "13",
      "zona-vi": "14",
    });
  });
});

describe("stages", () => {
  test("have their own options, from the file, the environment and credentials", () => {
    const { config, secrets, sources } = read({
      toml: '[stages]\nfolder = "/etc/stages"\n[stages.web-hook]\nretries = 3\n"api-key" = "x"\n[stages.web-hook.headers]\na = "b"',
      env: {
        STAGES_UPDATE_KIB_CONCURRENCY: "7",
        STAGES_UPDATE_KIB_NOTE: "n",
        STAGES_UNKNOWN_OPTION: "ignored",
      },
      credentials: { stages_web_hook_api_key: "hook-key-1" },
      stageNames: ["update", "update-kib"],
    });
    expect(config.stages).toEqual({
      folder: "/etc/stages",
      disabled: ["apply-access"],
      settings: {
        "web-hook": { options: { retries: 3, headers: { a: "b" }, "api-key": "hook-key-1" } },
        "update-kib": { concurrency: 7, options: { note: "n" } },
      },
    });
    expect(secrets).toContain("hook-key-1");
    expect(sources["stages.web-hook.api-key"]).toBe("credentials");
  });
});

describe("a refusal", () => {
  test("names everything bad, unknown and missing at once, and no value", () => {
    const lines = refused(
      place({
        toml: '[hikcentral]\napp_secert = "value-1"\nconcurrency = "value-2"\n[hikcentrl]\nurl = "value-3"\n[regionals]\ntuks = true\n[stages]\nfoldr = "value-4"',
        env: { HTTP_PORT: "value-5", HIKCENTRAL_APPKEY: "value-6" },
        credentials: { eposh_apikey: "value-7", site_time_zone: "value-8" },
      }),
    );
    expect(lines).toEqual([
      "the configuration is invalid:",
      "unknown key hikcentral.app_secert in the file: did you mean hikcentral.app_secret?",
      "unknown key hikcentrl.url in the file: did you mean hikcentral.url?",
      "unknown key stages.foldr in the file: did you mean stages.folder?",
      "unknown key eposh_apikey in the credentials: did you mean eposh.api_key?",
      "http.port must be a whole number from 0 to 65535 (HTTP_PORT)",
      "eposh.url is missing (EPOSH_URL)",
      "eposh.api_key is missing (EPOSH_API_KEY)",
      "eposh.app_id is missing (EPOSH_APP_ID)",
      "hikcentral.url is missing (HIKCENTRAL_URL)",
      "hikcentral.app_key is missing (HIKCENTRAL_APP_KEY)",
      "hikcentral.app_secret is missing (HIKCENTRAL_APP_SECRET)",
      "hikcentral.concurrency must be a whole number from 1 to 64 (in the file)",
      "site.time_zone must be a time zone such as Asia/Jakarta (in the credentials)",
      "regionals.tuks must be a text (in the file)",
      "HIKCENTRAL_APPKEY in the environment is not read: did you mean HIKCENTRAL_APP_KEY?",
    ]);
  });

  test.each([
    ["[a]\n\nb = unquoted-secret", 3],
    ['[a]\nb = "unclosed-secret', 2],
    ["x = 1\n[a\n", 2],
  ])("of what is not TOML names the line: %p", (toml, line) => {
    const [text] = refused(place({ toml }));
    expect(text).toEndWith(`config.toml is not valid TOML: check line ${line}`);
  });

  test("names the file that cannot be read", () => {
    expect(refused({ file: "/nonexistent/x.toml", env: {} })[0]).toBe(
      "/nonexistent/x.toml cannot be read (ENOENT): check the path and its permissions",
    );
    expect(refused({ env: { CREDENTIALS_DIRECTORY: "/nonexistent" } })[0]).toContain("/nonexistent cannot be read");
  });

  test.each(["__proto__", "constructor", "toString"])("refuses %s as a key of any kind", (name) => {
    for (const toml of [
      `[${name}]\na = 1`,
      `[http]\n${name} = 1`,
      `[stages.${name}]`,
      `[stages.${name}]\nconcurrency = 1`,
      `[stages.update-kib]\n${name} = 1`,
      `[regionals]\n${name} = "1"`,
    ]) {
      const problems = refused(place({ toml, env: needed, stageNames: ["update-kib"] }));
      expect([toml, problems.length, problems[1]]).toEqual([toml, 2, expect.stringContaining(`unknown key`)]);
    }
    expect(({} as Record<string, unknown>).concurrency).toBeUndefined();
  });

  test("refuses what is no file, and what is too large for one", () => {
    expect(refused({ file: "/dev/zero", env: {} })[0]).toContain("/dev/zero is not a regular file");
    const large = place({ env: needed, toml: `# ${"x".repeat(1 << 20)}` });
    expect(refused(large)[0]).toEndWith("is larger than 1 MB: it is no configuration file");
  });

  test("asks for a token where others can reach the trigger", () => {
    expect(refused(place({ env: { ...needed, HTTP_HOST: "0.0.0.0" } }))).toEqual([
      "the configuration is invalid:",
      "http.token is missing: it is required because http.host is not a loopback address",
    ]);
    for (const host of ["localhost", "127.0.0.2", "::1"])
      expect(read({ env: { HTTP_HOST: host } }).config.http.host).toBe(host);
    expect(read({ env: { HTTP_HOST: "0.0.0.0", HTTP_TOKEN: "contoh-token-1234" } }).config.http.token?.reveal()).toBe(
      "contoh-token-1234",
    );
  });

  test("asks only who calls them for Eposh and HikCentral", () => {
    const { config } = readConfig({
      ...place({ env: { HTTP_PORT: "5001", HTTP_HOST: "gate.test" } }),
      required: false,
    });
    expect(config.http.port).toBe(5001);
    expect(config).not.toHaveProperty("eposh");
  });
});

describe("secrets", () => {
  const broker = "amqp://user:p%40ss%2Fword@127.0.0.1:5672/vhost";
  const { config, secrets } = read({ env: { BROKER_URL: broker, EPOSH_APP_ID: "abc" } });

  test("are listed raw for the masking of the log, but for those too short", () => {
    expect(secrets.toSorted()).toEqual([broker, "eposh-key-1", "hik-key-1", "hik-secret-1"].toSorted());
    expect(read().secrets).not.toContain("sqlite:");
  });

  test("do not print, however the configuration is printed", () => {
    for (const printed of [inspect(config, { depth: 9 }), JSON.stringify(config), Bun.inspect(config)])
      for (const secret of [...secrets, "abc"]) expect(printed).not.toContain(secret);
  });

  test("reach who asks", () => {
    const connection = brokerOf(config);
    expect(connection.kind === "amqp" && connection.urls.map((url) => url.reveal())).toEqual([broker]);
    expect(brokerOf(read({ env: { BROKER_URL: "sqlite:/tmp/q.db" } }).config)).toEqual({
      kind: "sqlite",
      file: "/tmp/q.db",
    });
  });
});

describe("the addresses of RabbitMQ", () => {
  const problemOf = (given: Given): string => {
    try {
      read(given);
    } catch (error) {
      if (error instanceof Exit && error.exit === exits.config) return error.message;
      throw error;
    }
    return "none";
  };
  const addressesOf = (given: Given) => {
    const broker = brokerOf(read(given).config);
    return broker.kind === "amqp" ? broker.urls.map((url) => url.reveal()) : broker;
  };

  test.each([
    ["a slash", "amqp://hikvision:2026/Gerbang@127.0.0.1:5672/", "/ as %2F"],
    ["a hash", "amqp://hikvision:2026#Gerbang@127.0.0.1:5672/", "# as %23"],
    ["a question mark", "amqp://hikvision:12?Gerbang@127.0.0.1:5672/", "? as %3F"],
    ["a hash behind a word", "amqp://hikvision:rahasia#1@127.0.0.1:5672/", "# as %23"],
    ["an at sign", "amqps://hikvision:Ger@bang@127.0.0.1:5672/", "@ as %40"],
    ["a percent sign", "amqp://hikvision:Gerbang%@127.0.0.1:5672/", "% as %25"],
    ["a slash, in a list", "amqp://a:b@127.0.0.1,amqp://a:2026/Gerbang@127.0.0.2", "/ as %2F"],
    ["a hash and no host", "amqp://hikvision:Gerbang#", "# as %23"],
  ])("with a password that has %s are refused with what to write instead, and not shown", (_, url, hint) => {
    for (const given of [
      { env: { BROKER_URL: url } },
      { credentials: { broker_url: url } },
      { toml: `[broker]\nurl = ${JSON.stringify(url.split(/,/))}\n` },
    ]) {
      const problem = problemOf(given);
      expect(problem).toContain(hint);
      for (const part of ["2026", "Gerbang", "rahasia", "Ger", "bang@"]) expect(problem).not.toContain(part);
    }
  });

  test("are a list, in the file as one and elsewhere with commas", () => {
    const list = ["amqp://sync:a,b@10.0.0.1:5672/site", "amqps://sync:a,b@10.0.0.2/site", "amqp://sync:a,b@[::1]/site"];
    expect(addressesOf({ toml: `[broker]\nurl = ${JSON.stringify(list)}\n` })).toEqual(list);
    expect(addressesOf({ env: { BROKER_URL: list.join(", ") } })).toEqual(list);
    expect(addressesOf({ credentials: { broker_url: list.join(",") } })).toEqual(list);
    expect(brokerAt(read({ env: { BROKER_URL: list.join(",") } }).config)).toBe(
      "RabbitMQ, 10.0.0.1:5672, 10.0.0.2, [::1], virtual host site",
    );
  });

  test.each([
    ["two virtual hosts", "amqp://10.0.0.1/one,amqp://10.0.0.2/two", "the same virtual host"],
    ["a file among them", "amqp://10.0.0.1/,sqlite:", "must be"],
    ["an empty list", "", "must be"],
    ["another protocol", "http://10.0.0.1", "must be"],
  ])("with %s are refused", (_, url, hint) => {
    expect(problemOf({ toml: `[broker]\nurl = ${JSON.stringify(url === "" ? [] : url.split(","))}\n` })).toContain(
      hint,
    );
  });

  test("are masked part by part, encoded and decoded", () => {
    const { secrets } = read({
      env: {
        BROKER_URL: "amqp://sync:p%40ss%2fword@10.0.0.1,amqp://sync:x%C3%A4y-%5Bzz@10.0.0.2,amqp://sync:%E9t%E9-x@h",
      },
    });
    const mask = createMask(secrets);
    for (const shown of ["p%40ss%2fword", "p%40ss%2Fword", "p@ss/word", "x%C3%A4y-%5Bzz", "xäy-[zz", "%E9t%E9-x"])
      expect(mask(`cannot log in as sync:${shown}@10.0.0.1`)).not.toContain(shown);
  });
});

describe("what is only said", () => {
  test("a near miss in the environment is a hint, and what is not ours is not looked at", () => {
    const { hints } = read({
      env: { HIKCENTRAL_APPKEY: "x", HTTP_PROXY: "x", STATE_DIRECTORY: "/s", PATH: "/bin", http_prt: "x" },
    });
    expect(hints).toEqual(["HIKCENTRAL_APPKEY in the environment is not read: did you mean HIKCENTRAL_APP_KEY?"]);
  });

  test("an induction.to of over a week ago is a warning", () => {
    const on = (day: string, to: string) =>
      read({ now: new Date(`${day}T12:00:00+07:00`), env: { INDUCTION_TO: to } }).warnings;
    expect(on("2026-01-27", "2026-01-19")).toHaveLength(1);
    expect(on("2026-01-26", "2026-01-19")).toEqual([]);
    expect(on("2026-01-26", "today")).toEqual([]);
    expect(on("2026-01-26", "today-8")).toHaveLength(1);
  });

  test("a word is near another at two letters, the nearest first", () => {
    expect(closest("--dry-rnu", ["--config", "--dry-run"])).toBe("--dry-run");
    expect(closest("serv", ["verify", "serve"])).toBe("serve");
    expect(closest("something", ["serve"])).toBeUndefined();
  });
});

test("the site is what stages see, with the validity in the site's offset", () => {
  const { config } = read({ env: { PHOTO_REQUIRED: "true" } });
  expect(siteOf(config, "2026-01-05")).toEqual({
    timeZone: "Asia/Jakarta",
    regionals: config.regionals,
    organisation: "1",
    gender: 0,
    validFrom: "2026-01-05T00:00:00+07:00",
    validUntil: "2030-12-31T23:59:59+07:00",
    verifyFace: true,
    photoRequired: true,
    photoGiveUpAfterMs: 259_200_000,
    pageSize: 100,
    handsOff: ["BLOCKED", "BLOKIR"],
  });
});
