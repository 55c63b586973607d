import type { Database } from "bun:sqlite";

/**
 * The schema of a database as the steps that led to it: the first makes version 1 (PRAGMA user_version) of an empty
 * file, each further one the next version. A step that was released is never changed.
 */
export type Migrations = readonly string[];

export const versionOf = (database: Database): number => Number(database.query("PRAGMA user_version").values()[0]?.[0]);

/** Runs the steps that a file has not had yet, all or none of them. A file of a newer version is left as it is. */
export function migrate(database: Database, steps: Migrations): void {
  const version = versionOf(database);
  if (version >= steps.length) return;
  const all = [...steps.slice(version), `PRAGMA user_version = ${steps.length}`];
  database.transaction(() => all.forEach((step) => void database.run(step))).immediate();
}
