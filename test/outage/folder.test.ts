import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { binary, environmentOf, run, temporaryFolder } from "../support/daemon.ts";
import { smallDisk } from "../support/disk.ts";
import { startBox } from "./box.ts";

/** Bytes of a whole file with its middle overwritten. */
const torn = (bytes: Buffer) => Buffer.from(bytes).fill("torn ", 4_096);

describe("a ledger.db that is damaged", () => {
  test.each([
    ["is no database", () => Buffer.from("no database")],
    ["is torn in the middle", torn],
  ])("and %s is moved aside in words; history is lost, no employee is", async (_, damage) => {
    const folder = temporaryFolder();
    await using first = await startBox({ people: 3, folder });
    await first.daemon.trigger({ from: "2026-01-01", to: "2026-01-19" });
    await first.daemon.stop();
    const file = join(folder, "ledger.db");
    const damaged = damage(readFileSync(file));
    writeFileSync(file, damaged);
    await using box = await startBox({
      people: 0,
      folder,
      env: { HIKCENTRAL_URL: first.hikcentral.url, EPOSH_URL: first.eposh.url },
    });
    expect(box.daemon.output()).toContain("ledger.db cannot be read");
    const aside = readdirSync(folder).find((name) => /^ledger\.db\.damaged-\d+$/.test(name)) ?? "";
    expect(readFileSync(join(folder, aside)).equals(damaged)).toBe(true);
    await (await box.trigger()).through();
    expect(first.hikcentral.state().persons).toHaveLength(3);
  });
});

test.each([
  ["is no database", () => Buffer.from("no database")],
  ["is torn in the middle", torn],
])("a queue.db that is damaged and %s stops the start in words, and not one byte of it changes", async (_, damage) => {
  const folder = temporaryFolder();
  await using first = await startBox({ people: 3, folder });
  await fetch(`${first.daemon.url}/stages/create-person/pause`, { method: "POST" });
  await first.daemon.trigger();
  await first.daemon.stop();
  const file = join(folder, "queue.db");
  const damaged = damage(readFileSync(file));
  writeFileSync(file, damaged);
  const { exit, err } = await run("serve", { ...environmentOf(first), STATE_FOLDER: folder, HTTP_PORT: "0" });
  expect({ exit, err }).toEqual({ exit: 78, err: expect.stringMatching(/queue\.db is damaged .*left as it is/) });
  expect(readFileSync(file).equals(damaged)).toBe(true);
});

describe("a state folder", () => {
  test("that cannot be made, or not be written, is refused in words", async () => {
    await using simulators = await startSimulators({ people: 0 });
    for (const [folder, words] of [
      ["/proc/nowhere", "cannot be made"],
      ["/sys", "cannot be written"],
    ] as const) {
      const env = { ...environmentOf(simulators), STATE_FOLDER: folder, HTTP_PORT: "0" };
      const { exit, err } = await run("serve", env);
      expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining(`the state folder ${folder} ${words}`) });
      expect(err).toContain("state.folder");
    }
  });

  test("that another daemon uses is refused in words, and that one goes on", async () => {
    await using box = await startBox({ people: 2 });
    const env = { ...environmentOf(box), STATE_FOLDER: box.folder, HTTP_PORT: "0" };
    const { exit, err } = await run("serve", env);
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining("is used by another hikvision-sync") });
    const offline = await run("dead list", { ...env, HTTP_PORT: "1" });
    expect(offline).toMatchObject({ exit: 69, err: expect.stringContaining("is used by another hikvision-sync") });
    await (await box.trigger()).through();
  });

  test("without room is refused in words", async () => {
    await using disk = await smallDisk();
    if (disk === undefined) return console.log("SKIPPED a state folder without room: this machine lets nobody mount");
    await disk.fill();
    await using simulators = await startSimulators({ people: 0 });
    const env = {
      ...environmentOf(simulators),
      STATE_FOLDER: disk.folder,
      HTTP_PORT: "0",
      PATH: process.env.PATH ?? "",
    };
    const child = Bun.spawn([...disk.enter, binary, "serve"], { env, stdout: "pipe", stderr: "pipe" });
    const [exit, err] = await Promise.all([child.exited, child.stderr.text()]);
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringMatching(/the state folder .*(full|room)/) });
  });
});
