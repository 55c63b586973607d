import { tmpdir } from "node:os";
import { binary, unitEnvironment } from "../support/program.ts";
import { until } from "../support/until.ts";

/** The built daemon as a process of its own, with what its unit sets for the runtime; its stages take work. */
export async function startDaemon(env: Readonly<Record<string, string>>) {
  const startedAt = performance.now();
  const child = Bun.spawn([binary, "serve"], {
    env: { ...unitEnvironment(), HTTP_PORT: "0", ...env },
    cwd: tmpdir(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const stop = async () => {
    child.kill();
    await child.exited;
  };
  try {
    let output = "";
    void (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of child.stdout) output += decoder.decode(bytes, { stream: true });
    })();
    const address = () => /trigger +POST (http\S+)\/eposh-induction/.exec(output)?.[1];
    const url = await until(address, { timeoutMs: 120_000, what: "the daemon to answer" });
    const readyMs = performance.now() - startedAt;
    await until(() => output.includes("take work from"), { timeoutMs: 120_000, what: "the stages to take work" });
    return { url, pid: child.pid, readyMs, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Triggers a run for everybody and waits until it is done; resolves to its seconds. */
export async function runFor(people: number, url: string, headers: Record<string, string> = {}): Promise<number> {
  const startedAt = performance.now();
  const init = { method: "POST", headers: { ...headers, prefer: "respond-async" } };
  const answer = await fetch(`${url}/eposh-induction`, init);
  if (!answer.ok) throw new Error(`the trigger answered ${answer.status}`);
  const { run } = (await answer.json()) as { run: string };
  const isDone = async () => {
    const view = (await (await fetch(`${url}/runs/${run}`, { headers })).json()) as Record<string, unknown>;
    return view.status === "done" && view;
  };
  const what = `a run of ${people} people to be done`;
  const view = await until(isDone, { timeoutMs: 7_200_000, everyMs: 200, what });
  if (view.through !== people) throw new Error(`${view.through} of ${people} people are through`);
  return (performance.now() - startedAt) / 1000;
}

export interface Measured {
  readonly what: string;
  readonly seconds: number;
  readonly cpuMs: number;
  readonly peakMb: number;
  /** Of HikCentral, by name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** Of a process, in user and kernel; 100 ticks are a second. */
export async function cpuMsOf(pid: number): Promise<number> {
  const stat = await Bun.file(`/proc/${pid}/stat`).text();
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export async function peakMbOf(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024;
}
