import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { needs } from "./needs.ts";

export interface Done {
  exit: number;
  out: string;
  err: string;
}

export interface Box extends AsyncDisposable {
  /** The box's file system as seen from here. */
  readonly root: string;
  /** Runs a shell line inside, as root. */
  try(line: string): Promise<Done>;
  /** The same, where any other end than 0 is an error; gives what it wrote to stdout. */
  run(line: string): Promise<string>;
  /** Starts a program of this machine's own in the box's network. It outlives a reboot of the box, not the box. */
  beside(command: readonly string[]): void;
  /** Resolves once it is up again, with the same files. */
  reboot(): Promise<void>;
}

/** SIGRTMIN+5 */
const rebootSignal = 39;

const missing = async () => {
  if (process.getuid?.() !== 0) return "only root can boot systemd in namespaces";
  if (!(await needs("/lib/systemd/systemd", "systemd", "dbus"))) return "there is no systemd on this machine";
  if (!(await needs("curl", "curl"))) return "there is no curl on this machine";
  return undefined;
};

/** A machine of its own: this one's root, copy on write, with its own systemd, network and processes. */
export async function startBox(): Promise<Box | { why: string }> {
  const why = await missing();
  if (why) return { why };
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-box-"));
  const boot = Bun.spawn([join(import.meta.dir, "box.sh"), folder], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const read = (name: string) => readFileSync(join(folder, name), "utf8").trim();

  async function attempt(line: string): Promise<Done> {
    const enter = ["nsenter", "-t", read("pid"), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"];
    const env = ["env", "-i", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMD_PAGER="];
    const child = Bun.spawn([...enter, ...env, "bash", "-c", line], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { exit, out: out.trim(), err: err.trim() };
  }

  const neighbours: Bun.Subprocess[] = [];
  async function end(): Promise<void> {
    for (const one of neighbours) one.kill("SIGKILL");
    boot.kill("SIGKILL");
    await boot.exited;
    const cgroup = existsSync(join(folder, "cgroup")) ? read("cgroup") : undefined;
    // Its processes are gone with its PID 1, but not at the same instant.
    const emptied = () =>
      !cgroup ||
      !existsSync(cgroup) ||
      Bun.spawnSync(["find", cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]).stderr.length === 0;
    await until(emptied, { what: `${cgroup} to be empty` });
    rmSync(folder, { recursive: true });
  }

  const booted = (before = "") =>
    until(
      async () => {
        if (boot.exitCode !== null) throw new Error(`it ended with ${boot.exitCode}`);
        const isAnother = existsSync(join(folder, "pid")) && read("pid") !== before;
        return isAnother && (await attempt("systemctl is-system-running")).out === "running";
      },
      { timeoutMs: 60_000, everyMs: 200, what: "systemd to boot" },
    );
  try {
    await booted();
  } catch (error) {
    await end();
    return { why: `systemd does not boot here: ${(await boot.stderr.text()).trim() || String(error)}` };
  }
  return {
    get root() {
      return `/proc/${read("pid")}/root`;
    },
    try: attempt,
    async run(line) {
      const { exit, out, err } = await attempt(line);
      if (exit !== 0) throw new Error(`${line}\nended with ${exit}:\n${out}\n${err}`);
      return out;
    },
    beside(command) {
      const enter = ["nsenter", `--net=/proc/${read("pid")}/ns/net`];
      neighbours.push(Bun.spawn([...enter, ...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }));
    },
    async reboot() {
      const before = read("pid");
      // What `systemctl reboot` does, from outside: a command inside would be shot while it is waited for.
      process.kill(Number(before), rebootSignal);
      await booted(before);
    },
    [Symbol.asyncDispose]: end,
  };
}
