import { expect, test } from "bun:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SharedExamination } from "../../src/operator/examination.ts";

test("an examination that a reload ends while nobody waits for its answer ends no process", async () => {
  const examination = new SharedExamination(() => new Date());
  const { promise: findings, reject } = Promise.withResolvers<never>();
  examination.examine = async () => [{ system: "Eposh", at: "here", isDone: false, soFar: [], findings }];
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  await examination.begin();
  reject(new Error("the daemon reloads"));
  await nextTurn();
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
