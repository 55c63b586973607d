import { readdirSync, readFileSync } from "node:fs";

/** Undefined once the process has gone, and while it is only waited for. */
function statOf(pid: number | string) {
  try {
    const [, state, parent] = /.*\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state === "Z" ? undefined : { parent: Number(parent) };
  } catch {
    return undefined;
  }
}

export const isRunning = (pid: number): boolean => statOf(pid) !== undefined;

/** The processes that decode photos for a process, this one unless told. */
export const decodersOf = (parent = process.pid): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && statOf(name)?.parent === parent)
    .filter((pid) => fileOf(Number(pid), "cmdline").endsWith("\0decode-photos\0"))
    .map(Number);

/** Its file under /proc; empty where it has gone. */
export function fileOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}
