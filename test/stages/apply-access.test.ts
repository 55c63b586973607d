import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";

const apply = "visitor/v1/auth/reapplication";

test("apply-access is shipped disabled: nothing is asked for and no queue is filled for it", async () => {
  await using site = await startSite({ as: "binary", people: 5 });
  expect(await site.induct()).toMatchObject({ dead: 0 });
  expect(site.hikcentral.calls[apply]).toBeUndefined();
  expect(site.output()).not.toContain("apply_access");
});

test("enabled it asks for the access of just these people, gathered into few calls", async () => {
  // As shipped, and not so fast that permits are idle: a call fills up while they are in use.
  const env = { STAGES_DISABLED: ",", HIKCENTRAL_CONCURRENCY: "2" };
  const faults = { hikcentral: [{ kind: "slow", minMs: 30 }] } as const;
  await using site = await startSite({ as: "binary", people: 130, env, faults });
  site.hikcentral.seed({ personCode: "3500000000009999", personGivenName: "Siti", personFamilyName: "Contoh" });
  expect(await site.induct()).toMatchObject({ dead: 0, stages: { "apply-access": { done: 130 } } });
  const { applied, persons, calls } = site.hikcentral;
  const inducted = [...persons.values()].filter(({ personCode }) => personCode !== "3500000000009999");
  expect(applied.toSorted()).toEqual(inducted.map(({ personId }) => personId).toSorted());
  expect(calls[apply]).toBeLessThan(130 / 2);
});

test("its refusal is a warning, and nobody is a dead letter", async () => {
  const body = JSON.stringify({ code: "8", msg: "no permission", data: "" });
  const faults = { hikcentral: [{ kind: "answer", match: "reapplication", body }] } as const;
  await using site = await startSite({ as: "binary", people: 3, faults, env: { STAGES_DISABLED: "," } });
  const view = await site.induct();
  expect(view).toMatchObject({ status: "done", dead: 0, stages: { "apply-access": { done: 3 } } });
  expect(view.warnings).toEqual([
    { code: "access_not_applied", count: 3, text: expect.stringContaining("apply it in HikCentral") },
  ]);
});
