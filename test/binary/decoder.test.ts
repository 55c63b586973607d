import { expect, test } from "bun:test";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { binary, environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { decodersOf, isRunning } from "../support/processes.ts";
import { until } from "../support/until.ts";

test("an upgrade on disk changes nothing for the daemon that still runs: its photos are decoded by the same program", async () => {
  await using simulators = await startSimulators({ people: 5 });
  const copy = join(temporaryFolder(), "hikvision-sync");
  copyFileSync(binary, copy);
  const started = ["sh", "-c", `exec ${copy} "$@"`];
  await using daemon = await startDaemon(environmentOf(simulators), temporaryFolder(), [], started);
  writeFileSync(`${copy}.new`, "another version");
  renameSync(`${copy}.new`, copy);
  expect(await daemon.induct()).toMatchObject({ through: 5, dead: 0 });
  expect(simulators.hikcentral.state().persons.map(({ hasFace }) => hasFace)).toEqual(Array(5).fill(true));
});

test("no decoder is left behind by a daemon that stops, nor by one that is killed", async () => {
  for (const end of ["stop", "kill"] as const) {
    await using simulators = await startSimulators({ people: 5 });
    const daemon = await startDaemon(environmentOf(simulators));
    await daemon.induct();
    const decoders = decodersOf(daemon.pid);
    expect(decoders.length).toBeGreaterThan(0);
    await daemon[end]();
    await until(() => !decoders.some(isRunning), { timeoutMs: 2000, what: "the decoders to end" });
  }
});

test("a stop that reaches the decoders as well, as systemd's does, costs nobody the face", async () => {
  await using simulators = await startSimulators({ people: 30 });
  const folder = temporaryFolder();
  const daemon = await startDaemon(environmentOf(simulators), folder);
  await daemon.trigger({}, { prefer: "respond-async" });
  const decoders = await until(() => decodersOf(daemon.pid).length > 0 && decodersOf(daemon.pid), {
    what: "a decoder",
  });
  for (const pid of decoders) process.kill(pid, "SIGTERM");
  expect(await daemon.stop()).toBe(0);
  await using _again = await startDaemon(environmentOf(simulators), folder);
  await until(() => simulators.hikcentral.persons.size === 30, { timeoutMs: 60_000, what: "all persons" });
  expect(simulators.hikcentral.state().persons.filter(({ hasFace }) => !hasFace)).toEqual([]);
});
