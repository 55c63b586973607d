import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { smallDisk } from "../support/disk.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";

/** Bytes of a whole file with its middle overwritten. */
const torn = (bytes: Buffer) => Buffer.from(bytes).fill("torn ", 4_096);

describe("a ledger.db that is damaged", () => {
  test.each([
    ["is no database", () => Buffer.from("no database")],
    ["is torn in the middle", torn],
  ])("and %s is moved aside in words; history is lost, no employee is", async (_, damage) => {
    await using site = await startSite({ as: "binary", people: 3 });
    await site.trigger({ from: "2026-01-01", to: "2026-01-19" });
    await site.stop();
    const file = join(site.folder, "ledger.db");
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    await site.start();
    expect(site.output()).toContain("ledger.db cannot be read");
    const aside = readdirSync(site.folder).find((name) => /^ledger\.db\.damaged-\d+$/.test(name)) ?? "";
    expect(readFileSync(join(site.folder, aside)).equals(damaged)).toBe(true);
    await site.induct();
    expect(site.hikcentral.state().persons).toHaveLength(3);
  });
});

test.each([
  ["is no database", () => Buffer.from("no database")],
  ["is torn in the middle", torn],
])("a queue.db that is damaged and %s stops the start in words, and not one byte of it changes", async (_, damage) => {
  await using site = await startSite({ as: "binary", people: 3 });
  await site.post("/stages/create-person/pause");
  await site.trigger();
  await site.stop();
  const file = join(site.folder, "queue.db");
  const damaged = damage(readFileSync(file));
  writeFileSync(file, damaged);
  const { exit, err } = await site.cli("serve");
  expect({ exit, err }).toEqual({ exit: 78, err: expect.stringMatching(/queue\.db is damaged .*left as it is/) });
  expect(readFileSync(file).equals(damaged)).toBe(true);
});

/** Lets no process share memory through SQLite's file for it, as NFS and other file systems do. */
const withoutSharedMemory = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t end = file < 0 ? 0 : readlink(link, path, sizeof path);
  if (end > 4 && memcmp(path + end - 4, "-shm", 4) == 0) return errno = ENODEV, MAP_FAILED;
  void *(*real)(void *, size_t, int, int, int, off_t) = dlsym(RTLD_NEXT, "mmap");
  return real(at, length, protection, flags, file, offset);
}
void *mmap64(void *at, size_t length, int protection, int flags, int file, off_t offset) {
  return mmap(at, length, protection, flags, file, offset);
}`;

test("a state folder on a file system without shared memory is refused: use a local file system", async () => {
  if (!Bun.which("cc")) return console.log("SKIPPED: this machine has no C compiler");
  const folder = temporaryFolder();
  writeFileSync(join(folder, "without.c"), withoutSharedMemory);
  const library = join(folder, "without.so");
  await Bun.$`cc -shared -fPIC -o ${library} ${join(folder, "without.c")} -ldl`;
  await using site = await startSite({ as: "binary", start: false });
  const { exit, err } = await site.cli("serve", { LD_PRELOAD: library });
  expect({ exit, err }).toEqual({ exit: 78, err: expect.stringContaining("use a local file system (state.folder)") });
});

describe("a state folder", () => {
  test("that cannot be made, or not be written, is refused in words", async () => {
    await using site = await startSite({ as: "binary", start: false });
    for (const [folder, words] of [
      ["/proc/nowhere", "cannot be created"],
      ["/sys", "cannot be used"],
    ] as const) {
      const { exit, err } = await site.cli("serve", { STATE_FOLDER: folder });
      expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining(`the state folder ${folder} ${words}`) });
      expect(err).toContain("state.folder");
    }
  });

  test("that another daemon uses is refused in words, and that one goes on", async () => {
    await using site = await startSite({ as: "binary", people: 2 });
    const { exit, err } = await site.cli("serve");
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining("is in use by another hikvision-sync") });
    const offline = await site.cli("dead list", { HTTP_SOCKET: join(site.folder, "not-there") });
    expect(offline).toMatchObject({ exit: 69, err: expect.stringContaining("is in use by another hikvision-sync") });
    await site.induct();
  });

  test("without room is refused in words", async () => {
    await using disk = await smallDisk();
    if (disk === undefined) return console.log("SKIPPED a state folder without room: this machine lets nobody mount");
    await disk.fill();
    const { folder, enter } = disk;
    await using site = await startSite({ as: "binary", start: false, folder, enter });
    const { exit, err } = await site.cli("serve");
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringMatching(/the state folder .*(full|no space)/) });
  });
});
