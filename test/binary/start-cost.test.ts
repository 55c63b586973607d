import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { listenAsSystemd } from "../support/systemd.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();

/** As the shipped program is compiled. */
async function compiled(name: string, source: string): Promise<string> {
  const entry = join(import.meta.dir, `${name}-${process.pid}.ts`);
  const outfile = join(folder, name);
  await Bun.build({
    entrypoints: [entry],
    // Beside this test, where the libraries are found.
    files: { [entry]: source },
    compile: { outfile, jitPolicy: 40 },
    minify: true,
    bytecode: true,
    format: "esm",
  });
  return outfile;
}

const empty = await compiled("empty", "export {};");
/** What any daemon of these libraries does at its start: an empty program costs other parts of it on other processors. */
const plain = await compiled(
  "plain",
  `
  import "amqplib"; import "citty"; import "consola"; import "hono"; import "ofetch"; import "prom-client"; import "valibot";
  import { Database } from "bun:sqlite";
  const database = new Database(process.argv[2]);
  database.run("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)");
  Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  process.exit();`,
);

const cpuMs = (used: { cpuTime: { total: number | bigint } } | undefined) => Number(used?.cpuTime.total) / 1_000;

function plainMs(): number {
  const { exitCode, resourceUsage } = Bun.spawnSync([plain, join(folder, "plain.db")], { env: {}, cwd: folder });
  expect(exitCode).toBe(0);
  return cpuMs(resourceUsage);
}

/** Until READY, with the state folder of the start before. */
async function startMs(hikcentral: string): Promise<number> {
  const state = join(folder, "state");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const address = `@hikvision-sync-start-${process.pid}`;
  using systemd = listenAsSystemd(address);
  const env = {
    NOTIFY_SOCKET: address,
    STATE_FOLDER: state,
    HTTP_PORT: "0",
    EPOSH_URL: "http://127.0.0.1:9/employees",
    EPOSH_API_KEY: "eposh-key-1",
    EPOSH_APP_ID: "eposh-app-1",
    HIKCENTRAL_URL: hikcentral,
    HIKCENTRAL_APP_KEY: "hik-key-1",
    HIKCENTRAL_APP_SECRET: "hik-secret-1",
  };
  const child = Bun.spawn([binary, "serve"], { env, cwd: folder, stdout: "pipe", stderr: "inherit" });
  try {
    await until(() => systemd.next().includes("READY=1"), { everyMs: 1, what: "READY" });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  return cpuMs(child.resourceUsage());
}

test("a start takes at most 3 times the CPU of a plain daemon of the same libraries, and READY asks HikCentral for nothing", async () => {
  let asked = 0;
  await using hikcentral = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      asked += 1;
      return new Response("", { status: 503 });
    },
  });
  const rounds: (readonly [plain: number, start: number])[] = [];
  while (rounds.length < 7) rounds.push([plainMs(), await startMs(hikcentral.url.origin)]);
  const least = (at: 0 | 1) => Math.min(...rounds.map((round) => round[at]));
  expect(least(1), `ms of CPU, plain and start: ${JSON.stringify(rounds)}`).toBeLessThan(3 * least(0));
  expect(asked).toBe(0);
});

test("our own part of the program is at most 9 MB", () => {
  expect(Bun.file(binary).size - Bun.file(empty).size).toBeLessThan(9_000_000);
});
