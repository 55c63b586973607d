import { afterAll, afterEach, beforeEach } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is open and how it is called: sites, processes and timers. What a file opens outside its tests it may keep. */
const open = new Map<object, string>();
const kept = new WeakSet<object>();
let running = 0;

/** Fails the test in which this is opened and not closed; gives what says that it is closed. */
export function mustClose(resource: object, name: string): () => void {
  open.set(resource, name);
  return () => void open.delete(resource);
}

type Timer = ReturnType<typeof setTimeout> & { _destroyed: boolean };
for (const kind of ["setTimeout", "setInterval"] as const) {
  const start = globalThis[kind] as (...given: unknown[]) => Timer;
  const tracked = (...given: unknown[]) => {
    const timer = start(...given);
    open.set(timer, `a timer (${kind} of ${given[1]} ms)`);
    return timer;
  };
  globalThis[kind] = Object.assign(tracked, start) as never;
}
const isOver = (one: object) => "_destroyed" in one && ((one as Timer)._destroyed || !(one as Timer).hasRef());

function leaked(): string[] {
  for (const one of open.keys()) if (isOver(one)) open.delete(one);
  return [...open].flatMap(([one, name]) => (kept.has(one) ? [] : [name]));
}

beforeEach(() => {
  if (running++ === 0) for (const one of open.keys()) kept.add(one);
});
/** Of tests that run side by side the last one is asked for all of them. */
afterEach(() => {
  if (--running > 0) return;
  const left = leaked();
  for (const one of open.keys()) kept.add(one);
  if (left.length > 0) throw new Error(`this test leaves open: ${left.join(", ")}`);
});

const folders: string[] = [];
/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-test-"));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
