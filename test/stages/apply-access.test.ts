import { expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, startDaemon } from "../support/daemon.ts";

const apply = "visitor/v1/auth/reapplication";

test("apply-access is shipped disabled: nothing is asked for and no queue is filled for it", async () => {
  await using simulators = await startSimulators({ people: 5 });
  await using daemon = await startDaemon(environmentOf(simulators));
  expect(await daemon.induct()).toMatchObject({ dead: 0 });
  expect(simulators.hikcentral.calls[apply]).toBeUndefined();
  expect(daemon.output()).not.toContain("apply_access");
});

test("enabled it asks for the access of just these people, gathered into few calls", async () => {
  await using simulators = await startSimulators({ people: 130 });
  simulators.hikcentral.seed({ personCode: "3500000000009999", personGivenName: "Siti", personFamilyName: "Contoh" });
  const env = { STAGES_DISABLED: "," };
  await using daemon = await startDaemon({ ...environmentOf(simulators), ...env });
  expect(await daemon.induct()).toMatchObject({ dead: 0, stages: { "apply-access": { done: 130 } } });
  const { applied, persons, calls } = simulators.hikcentral;
  const inducted = [...persons.values()].filter(({ personCode }) => personCode !== "3500000000009999");
  expect(applied.toSorted()).toEqual(inducted.map(({ personId }) => personId).toSorted());
  expect(calls[apply]).toBeLessThanOrEqual(20);
}, 60_000);

test("its refusal is a warning, and nobody is a dead letter", async () => {
  await using simulators = await startSimulators({ people: 3 });
  const body = JSON.stringify({ code: "8", msg: "no permission", data: "" });
  simulators.hikcentral.faults.set({ kind: "answer", match: "reapplication", body });
  await using daemon = await startDaemon({ ...environmentOf(simulators), STAGES_DISABLED: "," });
  const view = await daemon.induct();
  expect(view).toMatchObject({ status: "done", dead: 0, stages: { "apply-access": { done: 3 } } });
  expect(view.warnings).toEqual([
    { code: "access_not_applied", count: 3, text: expect.stringContaining("apply it in HikCentral") },
  ]);
}, 60_000);
