import { expect, test } from "bun:test";
import * as v from "valibot";
import type { Entry } from "../../src/ledger/subjects.ts";
import { createLog } from "../../src/observability/log.ts";
import { DeliveryRecord } from "../../src/pipeline/delivery-record.ts";
import type { RegisteredStage } from "../../src/registry/registry.ts";
import { execute } from "../../src/sdk/execute.ts";
import { defineStage, end } from "../../src/stage.ts";

/** How many of the calls of `count` came in one turn of the event loop, at most. */
function countTurns() {
  const state = { most: 0, all: 0 };
  let inTurn = 0;
  const count = () => {
    if (inTurn === 0) setImmediate(() => (inTurn = 0));
    state.all += 1;
    state.most = Math.max(state.most, ++inTurn);
  };
  return { state, count };
}

test("of many messages that come at once, or are answered at once, a few go on in each turn of the event loop", async () => {
  const [begun, ended] = [countTurns(), countTurns()];
  const answer = Promise.withResolvers<void>();
  const allBegun = Promise.withResolvers<void>();
  const stage = defineStage({
    name: "waiting",
    queue: "waiting",
    message: v.unknown(),
    async run() {
      begun.count();
      if (begun.state.all === 100) allBegun.resolve();
      await answer.promise;
      return end("seen");
    },
  });
  const registered = { stage, successors: [], followers: [] } as unknown as RegisteredStage;
  const options = { clients: () => ({}) as never, log: createLog({ write: () => true }) };
  const all = Array.from({ length: 100 }, (_, number) =>
    execute(registered, JSON.stringify({ number }), options).then(ended.count),
  );
  await allBegun.promise;
  answer.resolve();
  await Promise.all(all);
  expect(begun.state).toEqual({ most: expect.any(Number), all: 100 });
  expect(begun.state.most).toBeLessThanOrEqual(20);
  expect(ended.state.most).toBeLessThanOrEqual(20);
});

test("the ledger gets the people of a page a few at a time", async () => {
  const noted: number[] = [];
  const ledger = { record: async (...entries: readonly Entry[]) => void noted.push(entries.length) };
  const deps = { ledger, now: () => new Date(), log: createLog({ write: () => true }) } as never;
  const data = Array.from({ length: 100 }, (_, number) => ({ name: "Budi Contoh", kib_number: String(number) }));
  const page = { id: "run/0/0", kind: "page", message: { event: "HIKVISION_SYNC", data: { data } } };
  const repeats = { repeat: 0, repeats: new Map() };
  const record = new DeliveryRecord(deps, "induction", { id: "run/0", kind: "task" } as never, {}, { warnings: [] });
  await record.emitted([{ ...page, ...repeats } as never], undefined);
  expect(noted.reduce((sum, one) => sum + one, 0)).toBe(1 + data.length);
  expect(Math.max(...noted)).toBeLessThanOrEqual(20);
});
