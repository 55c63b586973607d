import { expect, test } from "bun:test";
import * as v from "valibot";
import { createCalls } from "../../src/hikcentral/api.ts";
import type { Entry } from "../../src/ledger/subjects.ts";
import { createLog } from "../../src/observability/log.ts";
import { DeliveryRecord } from "../../src/pipeline/delivery-record.ts";
import { emissions } from "../../src/pipeline/emit.ts";
import { StageOutput } from "../../src/pipeline/stage-context.ts";
import type { RegisteredStage } from "../../src/registry/registry.ts";
import { execute } from "../../src/sdk/execute.ts";
import { defineStage, end, many } from "../../src/stage.ts";
import { turnsDuring } from "../support/turns.ts";

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
  expect(begun.state.most).toBeLessThanOrEqual(8);
  expect(ended.state.most).toBeLessThanOrEqual(8);
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
  expect(Math.max(...noted)).toBeLessThanOrEqual(8);
});

test("a page of persons is checked fifty at a time, and their order stays", async () => {
  // They take over 5 ms, or all would share a turn.
  const customFieldList = Array.from({ length: 300 }, (_, id) => ({ id, name: "Catatan", customFieldValue: "x" }));
  const list = Array.from({ length: 500 }, (_, number) => ({
    personId: number + 1,
    personCode: `A${number}`,
    customFieldList,
  }));
  const calls = createCalls((_path, _body, data) => v.parseAsync(data, { total: list.length, list }));
  const page = () => calls.personPage(() => ({ pageNo: 1, pageSize: list.length }));
  const { result, turns } = await turnsDuring(page);
  expect(result.list.map(({ personCode }) => personCode)).toEqual(list.map(({ personCode }) => personCode));
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("each of many pages goes on in a turn of its own", async () => {
  const stage = { name: "pages", emits: "page" };
  const registered = { stage, successors: [], followers: [] } as unknown as RegisteredStage;
  const successors = [{ stage: { name: "next", message: v.unknown() } }];
  const pages = async function* () {
    for (let number = 0; number < 10; number++) yield { number };
  };
  const collect = async () => {
    const from = { id: "run/0", kind: "task", run: "run", repeat: 0 } as never;
    const sent = emissions(many(pages()), from, { ...registered, successors } as never, new AbortController().signal);
    return await Array.fromAsync(sent, ([page]) => page?.body);
  };
  const { result, turns } = await turnsDuring(collect);
  expect(result).toEqual(Array.from({ length: 10 }, (_, number) => JSON.stringify({ number })));
  expect(turns).toBeGreaterThanOrEqual(9);
});

test("while the lines of a page are logged, everything else has its turn", async () => {
  const busyMs = 1;
  const write = () => {
    for (const until = performance.now() + busyMs; performance.now() < until; );
    return true;
  };
  const output = new StageOutput(createLog({ write }), () => true);
  for (let line = 0; line < 100; line++) output.log.info(`line ${line}`);
  const { turns } = await turnsDuring(() => output.print());
  expect(turns).toBeGreaterThanOrEqual(9);
});
