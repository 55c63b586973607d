import { Database } from "bun:sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Exit, exits, textOf } from "../errors.ts";

/** The state folder, made where it is missing, for this process alone until disposed of; the system frees it at any end. */
export function lockState(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Exit(exits.unavailable, `the state folder ${folder} cannot be made (state.folder): ${textOf(error)}`);
  }
  let db: Database | undefined;
  try {
    db = new Database(join(folder, "lock"), { create: true });
    db.run("pragma locking_mode = exclusive");
    db.run("begin exclusive");
  } catch (error) {
    db?.close();
    const busy = /locked|busy/i.test(textOf(error));
    const why = busy
      ? "is used by another hikvision-sync: stop that one, or give this one its own"
      : `cannot be written: ${textOf(error)}`;
    throw new Exit(exits.unavailable, `the state folder ${folder} ${why} (state.folder)`);
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}
