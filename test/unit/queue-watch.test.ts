import { expect, test } from "bun:test";
import { QueueWatch } from "../../src/broker/known-queues.ts";

function watchOf(queues: string[]) {
  const lost = new Set<string>();
  /** Without a majority: only a thorough question tells. */
  const silent = new Set<string>();
  const asked: string[] = [];
  const askedThoroughly: string[] = [];
  const heard: [string, boolean][] = [];
  const state = { isUp: true };
  const watch = new QueueWatch({
    queues: () => queues,
    ask: async (queue, isThorough) => {
      asked.push(queue);
      if (isThorough) askedThoroughly.push(queue);
      if (lost.has(queue)) throw new Error("home node is down");
      if (isThorough && silent.has(queue)) throw new Error("no majority");
    },
    isConnected: () => state.isUp,
    onChange: (...change) => heard.push(change),
  });
  const look = async () => {
    asked.length = askedThoroughly.length = 0;
    await watch.look(true);
    return asked.toSorted();
  };
  return { watch, lost, silent, askedThoroughly, heard, state, look };
}

test("queues that cannot be reached are named once, and said to be back when all are", async () => {
  const { watch, lost, heard, look } = watchOf(["a", "b", "c"]);
  lost.add("a").add("b");
  await look();
  await look();
  expect([...watch.unreachable.keys()].toSorted()).toEqual(["a", "b"]);
  expect(heard).toEqual([["a, b cannot be reached: home node is down", true]]);
  lost.delete("a");
  await look();
  await look();
  expect([...watch.unreachable.keys()]).toEqual(["b"]);
  lost.clear();
  await look();
  expect(watch.unreachable.size).toBe(0);
  expect(heard.slice(1)).toEqual([["all queues can be reached again", false]]);
});

test("of many lost queues one is asked for at a time, another one at each look, and all once one is back", async () => {
  const { lost, look } = watchOf(["a", "b", "c", "d"]);
  for (const queue of ["a", "b", "c"]) lost.add(queue);
  await look();
  const canaries = [await look(), await look(), await look()].map((asked) => asked.filter((queue) => queue !== "d"));
  expect(canaries.toSorted()).toEqual([["a"], ["b"], ["c"]]);
  lost.clear();
  expect(await look()).toEqual(["a", "b", "c", "d"]);
});

test("what fails because RabbitMQ is away says nothing about a queue", async () => {
  const { watch, lost, heard, state, look } = watchOf(["a"]);
  lost.add("a");
  state.isUp = false;
  await look();
  expect([watch.unreachable.size, heard.length]).toEqual([0, 0]);
});

test("each look asks one queue thoroughly, where no work arrives, and all once one is lost: all without a majority are named", async () => {
  const { watch, silent, askedThoroughly, look } = watchOf(["a", "a.retry.5s", "a.dead", "b.dead"]);
  const turns: string[] = [];
  for (let looks = 0; looks < 3; looks++) {
    await look();
    turns.push(...askedThoroughly);
  }
  expect(turns.toSorted()).toEqual(["a.dead", "a.retry.5s", "b.dead"]);
  for (const queue of ["a", "a.retry.5s", "a.dead"]) silent.add(queue);
  for (let looks = 0; looks < 4; looks++) await look();
  expect([...watch.unreachable.keys()].toSorted()).toEqual(["a", "a.dead", "a.retry.5s"]);
  silent.clear();
  await look();
  expect(watch.unreachable.size).toBe(0);
});

test("a lost connection brings no lost queue back", async () => {
  const { watch, lost, state, look } = watchOf(["a"]);
  lost.add("a");
  await look();
  state.isUp = false;
  await look();
  expect([...watch.unreachable.keys()]).toEqual(["a"]);
  lost.clear();
  state.isUp = true;
  await look();
  expect(watch.unreachable.size).toBe(0);
});

test("a queue that answered somebody a moment ago is not asked again, until there is another connection or one is lost", async () => {
  const { watch, lost, look } = watchOf(["a", "b"]);
  watch.answered("a");
  expect(await look()).toEqual(["b"]);
  watch.forget();
  expect(await look()).toEqual(["a", "b"]);
  watch.answered("a");
  lost.add("b");
  await look();
  lost.clear();
  expect(await look()).toEqual(["a", "b"]);
});
