import { setTimeout as sleep } from "node:timers/promises";
import { importWord, ownProgram } from "../util/own-program.ts";
import { importBundle } from "./import-bundle.ts";

const awaitedMs = 500;

export async function importFromStdin(): Promise<never> {
  // An import that only waits is the matter of the process that asks: what must not happen is that no timer runs.
  const isAwaited = importAndRead(await Bun.stdin.text()).catch(() => {});
  await Promise.race([isAwaited, sleep(awaitedMs)]);
  process.kill(process.pid, "SIGKILL");
  throw new Error("a killed process goes on");
}

/** A getter may hold a loop as well as the module. */
async function importAndRead(bundle: string): Promise<void> {
  const { notAStage } = await import("./registry.ts");
  notAStage((await importBundle(bundle)).default, () => "");
}

/** Whether the import of a bundle, and what reads its stage, comes back: nothing ends a loop in this process, or lets a timer run in it. */
export async function comesBack(bundle: string, deadlineMs: number): Promise<boolean> {
  const child = Bun.spawn(ownProgram(importWord), {
    stdin: new Blob([bundle]),
    stdout: "ignore",
    stderr: "ignore",
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, deadlineMs);
  await child.exited;
  clearTimeout(timer);
  return !isLate;
}
