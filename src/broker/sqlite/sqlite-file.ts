import { Database, SQLiteError } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { Exit, exits, textOf } from "../../errors.ts";
import { letNewShrink, letShrink } from "../../util/files/shrink.ts";
import { type Migrations, migrate, versionOf } from "../../util/migrations.ts";

// handed_out is the highest id ever delivered: a queue is first in, first out, so all ids before it were delivered too.
// AUTOINCREMENT, because a reused id would acknowledge another message.
const migrations: Migrations = [
  `
  CREATE TABLE queues (name TEXT PRIMARY KEY, handed_out INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL);
  CREATE INDEX messages_of_queue ON messages (queue, id);`,
];

/** No room, no permission, a lock: a failure of the file, not of the write. */
export const isPassing = (error: unknown) =>
  error instanceof SQLiteError && /^SQLITE_(FULL|IOERR|BUSY|CANTOPEN|READONLY|LOCKED)/.test(error.code ?? "");

/** The write-ahead log is cut to this size when it is empty. */
const maxEmptyLogBytes = 8 * 1024 * 1024;

/** Opens or creates the file, for its owner only. Throws if it is damaged or newer, without changing it. */
export function openQueueFile(file: string): Database {
  closeSync(openSync(file, "a", 0o600));
  const fault = faultOf(file);
  if (fault !== undefined) throw new Exit(exits.config, `${file} ${fault}`);
  const database = new Database(file, { readwrite: true });
  const isNew = letNewShrink(database);
  database.run(`PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = ${maxEmptyLogBytes}`);
  migrate(database, migrations);
  // A commit does not wait for the disk: `LogSync` does, before a message is confirmed.
  database.run("PRAGMA synchronous = NORMAL");
  // n.b. After a power cut SQLite would delete a log that lies beside an empty file.
  if (isNew) database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  letShrink(database, isPassing);
  return database;
}

const damaged = (how: string) =>
  `is damaged (${how}) and was left as it is: restore a backup, or move it away and trigger the dates again`;

function faultOf(file: string): string | undefined {
  try {
    using database = new Database(file, { readonly: true });
    const verdict = database.query("PRAGMA quick_check(1)").values()[0]?.[0];
    if (verdict !== "ok") return damaged(String(verdict).replaceAll("\n", " "));
    const isNewer = versionOf(database) > migrations.length;
    return isNewer ? "was written by a newer version and was left as it is: install that version again" : undefined;
  } catch (error) {
    return damaged(textOf(error));
  }
}
