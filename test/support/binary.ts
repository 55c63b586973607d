import { tmpdir } from "node:os";
import { mustClose } from "./leaks.ts";
import { binary } from "./program.ts";
import { until } from "./until.ts";

export { binary };

export type Environment = Readonly<Record<string, string>>;

/** Runs a command to its end with this environment and no other; `enter` is what it must begin with. */
export async function run(words: string | readonly string[], env: Environment = {}, enter: readonly string[] = []) {
  const command = [...enter, binary, ...(typeof words === "string" ? words.split(" ") : words)];
  const child = Bun.spawn(command, { env, cwd: tmpdir(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exit, out, err };
}

/** A daemon from its start to its end. */
export interface Life {
  readonly url: string;
  readonly pid: number;
  /** All that it printed so far. */
  output(): string;
  /** SIGTERM; its exit code. */
  stop(): Promise<number>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** `serve` as a process with this environment and no other; resolves once it answers. */
export async function spawnDaemon(
  env: Environment,
  { flags = [], enter = [] }: { flags?: readonly string[]; enter?: readonly string[] } = {},
): Promise<Life> {
  const child = Bun.spawn([...enter, binary, "serve", ...flags], {
    env: { ...(enter.length > 0 && { PATH: process.env.PATH ?? "" }), ...env },
    cwd: tmpdir(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const closed = mustClose(child, "a daemon");
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) output += decoder.decode(bytes, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    child.kill(signal);
    const patience = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const exit = await child.exited;
    clearTimeout(patience);
    await collected;
    closed();
    return exit;
  };
  let url = "";
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    url = /trigger +POST (http\S+)\/eposh-induction/.exec(output)?.[1] ?? "";
    // Where a token is configured this answer is 401.
    return url && (await fetch(`${url}/livez`)).status < 500;
  };
  try {
    await until(answers, { what: "the daemon to answer" });
  } catch (error) {
    await end("SIGTERM");
    throw new Error(`the daemon did not start:\n${output}`, { cause: error });
  }
  return {
    url,
    pid: child.pid,
    output: () => output,
    stop: () => end("SIGTERM"),
    kill: async () => void (await end("SIGKILL")),
  };
}
