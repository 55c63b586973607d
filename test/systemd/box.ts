import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";

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
}

const missing = () => {
  if (process.getuid?.() !== 0) return "only root can boot systemd in namespaces";
  if (!existsSync("/lib/systemd/systemd")) return "there is no systemd on this machine";
  return undefined;
};

/** A machine of its own: this one's root, copy on write, with its own systemd, network and processes. */
export async function startBox(): Promise<Box | { why: string }> {
  const why = missing();
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

  async function end(): Promise<void> {
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

  try {
    const booted = async () => {
      if (boot.exitCode !== null) throw new Error(`it ended with ${boot.exitCode}`);
      return existsSync(join(folder, "pid")) && (await attempt("systemctl is-system-running")).out === "running";
    };
    await until(booted, { timeoutMs: 15_000, everyMs: 50, what: "systemd to boot" });
  } catch (error) {
    await end();
    return { why: `systemd does not boot here: ${(await boot.stderr.text()).trim() || String(error)}` };
  }
  return {
    root: `/proc/${read("pid")}/root`,
    try: attempt,
    async run(line) {
      const { exit, out, err } = await attempt(line);
      if (exit !== 0) throw new Error(`${line}\nended with ${exit}:\n${out}\n${err}`);
      return out;
    },
    [Symbol.asyncDispose]: end,
  };
}
