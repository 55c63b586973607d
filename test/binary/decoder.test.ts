import { expect, test } from "bun:test";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { decodersOf, isRunning } from "../support/processes.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

test("an upgrade on disk changes nothing for the daemon that still runs: its photos are decoded by the same program", async () => {
  const copy = join(temporaryFolder(), "hikvision-sync");
  copyFileSync(binary, copy);
  const enter = ["sh", "-c", `exec ${copy} "$@"`];
  await using site = await startSite({ as: "binary", people: 5, enter });
  writeFileSync(`${copy}.new`, "another version");
  renameSync(`${copy}.new`, copy);
  expect(await site.induct()).toMatchObject({ through: 5, dead: 0 });
  expect(site.hikcentral.persons.size).toBe(5);
  await site.faces();
});

test("no decoder is left behind by a daemon that stops, nor by one that is killed", async () => {
  for (const end of ["stop", "kill"] as const) {
    await using site = await startSite({ as: "binary", people: 5 });
    await site.induct();
    const decoders = decodersOf(site.pid);
    expect(decoders.length).toBeGreaterThan(0);
    await site[end]();
    await until(() => !decoders.some(isRunning), { what: "the decoders to end" });
  }
});

test("a stop that reaches the decoders as well, as systemd's does, costs nobody the face", async () => {
  await using site = await startSite({ as: "binary", people: 30 });
  await site.begin({});
  const decoders = await until(() => decodersOf(site.pid).length > 0 && decodersOf(site.pid), { what: "a decoder" });
  for (const pid of decoders) process.kill(pid, "SIGTERM");
  expect(await site.stop()).toBe(0);
  await site.start();
  await until(() => site.hikcentral.persons.size === 30, { what: "all persons" });
  await site.faces();
});
