import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { isOfFileSystem, useLocal } from "../broker/open.ts";
import { Exit, exits, textOf } from "../errors.ts";

/** Locks the state folder for this process, creating it if missing, until disposed of or until the process ends. */
export function lockState(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Exit(exits.unavailable, `the state folder ${folder} cannot be created (state.folder): ${textOf(error)}`);
  }
  let db: Database | undefined;
  try {
    db = new Database(join(folder, "lock"), { create: true });
    db.run("pragma locking_mode = exclusive");
    db.run("begin exclusive");
  } catch (error) {
    db?.close();
    if (isOfFileSystem(error)) throw new Exit(exits.config, useLocal(folder));
    const busy = /locked|busy/i.test(textOf(error));
    const why = busy
      ? "is in use by another hikvision-sync: stop the other one, or use another folder"
      : `is not writable: ${textOf(error)}`;
    throw new Exit(exits.unavailable, `the state folder ${folder} ${why} (state.folder)`);
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}
