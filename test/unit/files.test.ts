import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeAtomically } from "../../src/util/files/atomic-file.ts";
import { migrate, versionOf } from "../../src/util/migrations.ts";

const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a file is replaced as a whole, for its owner only, and nothing is left beside it", () => {
  const path = join(folder, "paused.json");
  writeAtomically(path, "a longer text that was there before");
  writeAtomically(path, "new");
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["paused.json"]);
});

test("a file that cannot be written is as it was", () => {
  const path = join(folder, "queues.json");
  writeFileSync(path, "old");
  mkdirSync(`${path}.new`);
  expect(() => writeAtomically(path, "new")).toThrow(/EISDIR/);
  expect(readFileSync(path, "utf8")).toBe("old");
});

const steps = ["create table people (name text)", "alter table people add column kib text"];

test("a database of any former version gets the steps that it has not seen, once", () => {
  using database = new Database(":memory:");
  migrate(database, steps.slice(0, 1));
  database.run("insert into people values ('Budi')");
  for (let start = 0; start < 2; start++) migrate(database, steps);
  expect(database.query("select * from people").all()).toEqual([{ name: "Budi", kib: null }]);
  expect(versionOf(database)).toBe(2);
});

test("a step that fails leaves the database at its version", () => {
  using database = new Database(":memory:");
  migrate(database, steps.slice(0, 1));
  expect(() => migrate(database, [...steps, "create table people (again text)"])).toThrow(/exists/);
  expect(versionOf(database)).toBe(1);
  expect(database.query("select name from pragma_table_info('people')").values()).toEqual([["name"]]);
});

test("a database of a newer version is left as it is", () => {
  using database = new Database(":memory:");
  database.run("pragma user_version = 9");
  migrate(database, steps);
  expect(versionOf(database)).toBe(9);
});
