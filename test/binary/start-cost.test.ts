import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { listenAsSystemd } from "../support/systemd.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();

/** A program that does nothing, compiled as ours is: what a start takes on this machine at this moment at least. */
const empty = join(folder, "empty");
await Bun.write(join(folder, "empty.ts"), "export {};");
await Bun.build({
  entrypoints: [join(folder, "empty.ts")],
  compile: { outfile: empty, jitPolicy: 40 },
  minify: true,
  bytecode: true,
  format: "esm",
});

const cpuMs = (used: { cpuTime: { total: number | bigint } } | undefined) => Number(used?.cpuTime.total) / 1_000;
const emptyMs = () => cpuMs(Bun.spawnSync([empty], { env: {}, cwd: folder }).resourceUsage);

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

test("a start takes at most 7 times the CPU of an empty program, and READY asks HikCentral for nothing", async () => {
  let asked = 0;
  await using hikcentral = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      asked += 1;
      return new Response("", { status: 503 });
    },
  });
  const rounds: (readonly [empty: number, start: number])[] = [];
  while (rounds.length < 7) rounds.push([emptyMs(), await startMs(hikcentral.url.origin)]);
  const least = (at: 0 | 1) => Math.min(...rounds.map((round) => round[at]));
  expect(least(1), `ms of CPU, empty and start: ${JSON.stringify(rounds)}`).toBeLessThan(7 * least(0));
  expect(asked).toBe(0);
});

test("our own part of the program is at most 9 MB", () => {
  expect(Bun.file(binary).size - Bun.file(empty).size).toBeLessThan(9_000_000);
});
