import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/leaks.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

/** What happens to the files of a running daemon with the embedded queue. */
const removals: [string, (folder: string) => void][] = [
  ["the state folder", (folder) => rmSync(folder, { recursive: true })],
  ["all files in it", (folder) => readdirSync(folder).forEach((name) => void rmSync(join(folder, name)))],
  ["the write-ahead log of the queue", (folder) => rmSync(join(folder, "queue.db-wal"))],
  ["the queue, with another file in its place", (folder) => writeFileSync(join(folder, "new"), "")],
];

test.each(removals)(
  "%s is removed: readiness is red within 10 s, it is said, and no work is taken",
  async (what, remove) => {
    await using site = await startSite({ people: 2 });
    await site.induct();
    remove(site.folder);
    if (what.includes("in its place")) renameSync(join(site.folder, "new"), join(site.folder, "queue.db"));
    try {
      await until(async () => !(await site.readyz()).ready, { timeoutMs: 10_000, what: "readiness to be red" });
      await until(() => /removed or replaced while the daemon runs/.test(site.output()));
      const { status, body } = await site.trigger();
      expect({ status, body }).toMatchObject({ status: 503, body: { error: expect.stringContaining("queue.db") } });
    } finally {
      mkdirSync(site.folder, { recursive: true });
    }
  },
);

test("a file that is put back is as good as before", async () => {
  await using site = await startSite({ people: 2 });
  const [file, aside] = ["queue.db", "aside"].map((name) => join(site.folder, name)) as [string, string];
  renameSync(file, aside);
  expect((await site.trigger()).status).toBe(503);
  renameSync(aside, file);
  await until(async () => (await site.readyz()).ready, { what: "readiness to be green" });
  await site.induct();
});

test("a second daemon refuses the folder whatever is removed from it", async () => {
  await using site = await startSite({ as: "binary", people: 0 });
  for (const name of readdirSync(site.folder)) if (name.includes("lock")) rmSync(join(site.folder, name));
  const { exit, err } = await site.cli("serve", { HTTP_SOCKET: join(site.folder, "other.sock") });
  expect([exit, err]).toEqual([69, expect.stringContaining("is in use by another hikvision-sync")]);
});

/** What others could read or write, and the command that the refusal gives. */
const rights: [string, (folder: string) => void, RegExp][] = [
  ["a folder that others may write", (folder) => chmodSync(folder, 0o777), /chmod go-w \S+$/m],
  ["a queue that others may read", (folder) => open(folder, "queue.db", 0o644), /chmod go= \S+queue\.db$/m],
  ["a ledger that others may write", (folder) => open(folder, "ledger.db", 0o606), /chmod go= \S+ledger\.db$/m],
  ["a key that the group may read", (folder) => open(folder, "ledger.key", 0o640), /chmod go= \S+ledger\.key$/m],
  [
    "dropped messages that others may read",
    (folder) => made(folder, "dropped-2026-01-05.jsonl"),
    /chmod go= \S+\.jsonl$/m,
  ],
  [
    "answers to conflicts that others may write",
    (folder) => made(folder, "decisions.json"),
    /chmod go= \S+ons\.json$/m,
  ],
  ["an empty key", (folder) => writeFileSync(join(folder, "ledger.key"), ""), /ledger\.key holds 0 bytes/],
  ["a short key", (folder) => writeFileSync(join(folder, "ledger.key"), "short"), /ledger\.key holds 5 bytes/],
];
function open(folder: string, name: string, mode: number): void {
  chmodSync(folder, 0o755);
  chmodSync(join(folder, name), mode);
}
function made(folder: string, name: string): void {
  writeFileSync(join(folder, name), "{}");
  open(folder, name, 0o666);
}

describe("where others have rights", () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite({ as: "binary", people: 0 });
    await site.stop();
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test.each(rights)("%s is refused, with what cures it", async (_, spoil, words) => {
    const folder = temporaryFolder();
    cpSync(site.folder, folder, { recursive: true });
    spoil(folder);
    for (const command of ["serve", "dead list"]) {
      const { exit, err } = await site.cli(command, { STATE_FOLDER: folder });
      expect([exit, err]).toEqual([78, expect.stringMatching(words)]);
    }
  });
});
