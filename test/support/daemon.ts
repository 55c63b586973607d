import { afterAll } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunView } from "../../src/ledger/runs.ts";
import type { Simulators } from "../../src/simulator/start.ts";
import { until } from "./until.ts";

const built = join(import.meta.dir, "../../dist/hikvision-sync");
/** The compiled program; another one than dist's where the environment names it. */
export const binary = process.env.HIKVISION_SYNC_TEST_BINARY ?? built;
if (!existsSync(binary)) throw new Error(`${binary} is not there: run  npm run build  first`);

type Environment = Readonly<Record<string, string>>;

/** The environment of a daemon that uses these simulators. */
export const environmentOf = ({ env }: Pick<Simulators, "env">): Environment => ({
  ...env,
  HIKCENTRAL_CONCURRENCY: "8",
  BROKER_RETRY_DELAYS: "50ms,100ms,150ms",
});

/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a command to its end with this environment and no other; `before` as for a daemon. */
export async function run(words: string | readonly string[], env: Environment = {}, before: readonly string[] = []) {
  const command = [...before, binary, ...(typeof words === "string" ? words.split(" ") : words)];
  const child = Bun.spawn(command, { env, cwd: tmpdir(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exit, out, err };
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface DaemonProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** All that it printed so far. */
  output(): string;
  get(path: string): Promise<Answer>;
  /** `body` is sent as JSON, a text as it is. */
  trigger(body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Triggers and waits until the run is through. */
  induct(body?: unknown): Promise<RunView>;
  /** SIGTERM; its exit code. */
  stop(): Promise<number>;
  /** kill -9. */
  kill(): Promise<void>;
}

const running = new Set<Bun.Subprocess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  if (running.size > 0) throw new Error(`${running.size} daemons were not stopped by the tests that started them`);
});

/** `serve` as a process with this environment and no other, on a free port; resolves once it answers. */
export async function startDaemon(
  env: Environment,
  folder = temporaryFolder(),
  flags: readonly string[] = [],
  /** What the command must begin with, e.g. to be run in another name space. */
  before: readonly string[] = [],
): Promise<DaemonProcess> {
  const child = Bun.spawn([...before, binary, "serve", ...flags], {
    env: { ...(before.length > 0 && { PATH: process.env.PATH ?? "" }), HTTP_PORT: "0", STATE_FOLDER: folder, ...env },
    cwd: folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.add(child);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) output += decoder.decode(bytes, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const stop = async () => {
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const exit = await child.exited;
    clearTimeout(patience);
    running.delete(child);
    await collected;
    return exit;
  };

  let url = "";
  try {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
        url = /trigger +POST (http\S+)\/eposh-induction/.exec(output)?.[1] ?? "";
        return url && (await fetch(`${url}/livez`)).ok;
      },
      { timeoutMs: 20_000, what: "the daemon to answer" },
    );
  } catch (error) {
    await stop();
    throw new Error(`the daemon did not start:\n${output}`, { cause: error });
  }

  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, init);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer["body"] };
  };
  const trigger: DaemonProcess["trigger"] = (body, headers = {}) =>
    call("/eposh-induction", {
      method: "POST",
      headers,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return {
    url,
    pid: child.pid,
    output: () => output,
    get: (path) => call(path, {}),
    trigger,
    async induct(body) {
      const { status, body: started } = await trigger(body, { prefer: "respond-async" });
      if (status !== 202) throw new Error(`the trigger answered ${status}: ${JSON.stringify(started)}`);
      const look = async () => (await call(`/runs/${started.run}`, {})).body as unknown as RunView;
      const through = async () => {
        const view = await look();
        return view.status === "done" && view;
      };
      return await until(through, { timeoutMs: 60_000, everyMs: 50, what: "the run to be through" });
    },
    stop,
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
      running.delete(child);
      await collected;
    },
    async [Symbol.asyncDispose]() {
      if (!running.has(child)) return;
      const exit = await stop();
      if (exit !== 0) throw new Error(`the daemon ended with ${exit}:\n${output.slice(-2000)}`);
      const answers = await fetch(`${url}/livez`).catch(() => undefined);
      if (answers) throw new Error(`something still listens at ${url}`);
    },
  };
}
