import { dlopen, read } from "bun:ffi";
import { closeSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { useLocal } from "../broker/open.ts";
import { Exit, exits, textOf } from "../errors.ts";
import { rightsProblem } from "../util/files/rights.ts";
import { shellWord } from "../util/text/shell-word.ts";

const [exclusive, withoutWaiting, wouldBlock] = [2, 4, 11];
/** They hold names, photo links and NIKs, or their key. */
const isPrivate = (name: string) =>
  /^((ledger|queue)\.db.*|ledger\.key|in-flight|(paused|queues|decisions)\.json.*|dropped-.*\.jsonl)$/.test(name);

/**
 * Locks the state folder for this process, creating it if missing, until disposed of or until the process ends. The
 * folder itself is locked: a file in it can be removed. Exit 78 where others may write it, or read what is private.
 */
export function lockState(folder: string): Disposable {
  let descriptor: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    descriptor = openSync(folder, "r");
  } catch (error) {
    throw new Exit(exits.unavailable, `the state folder ${folder} cannot be created (state.folder): ${textOf(error)}`);
  }
  try {
    const problem = stateProblem(folder);
    if (problem) throw new Exit(exits.config, `the state folder (state.folder): ${problem}`);
    lock(descriptor, folder);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(descriptor) };
}

/** n.b. Neither Bun nor node:fs has flock, so this is libc's. */
function lock(descriptor: number, folder: string): void {
  const libc = dlopen("libc.so.6", {
    flock: { args: ["int", "int"], returns: "int" },
    __errno_location: { args: [], returns: "ptr" },
  });
  try {
    if (libc.symbols.flock(descriptor, exclusive | withoutWaiting) === 0) return;
    const errno = libc.symbols.__errno_location();
    if (errno !== null && read.i32(errno) !== wouldBlock) throw new Exit(exits.config, useLocal(folder));
    const why = "is in use by another hikvision-sync: stop the other one, or use another folder";
    throw new Exit(exits.unavailable, `the state folder ${folder} ${why} (state.folder)`);
  } finally {
    libc.close();
  }
}

function stateProblem(folder: string): string | undefined {
  const writable = rightsProblem(folder);
  if (writable) return `${folder} ${writable}`;
  // Nobody else gets as far as its files.
  if ((statSync(folder).mode & 0o077) === 0) return undefined;
  const open = readdirSync(folder).find((name) => isPrivate(name) && (statSync(join(folder, name)).mode & 0o077) !== 0);
  return open && `${join(folder, open)} is open to others: chmod go= ${shellWord(join(folder, open))}`;
}
