import { expect, test } from "bun:test";
import type { Broker, Delivery } from "../../src/broker/broker.ts";
import { Promoter } from "../../src/pipeline/retry/promoter.ts";
import { until } from "../support/until.ts";

test("a message that this daemon defers is moved when it is due, and not when an empty retry queue is looked at again", async () => {
  const waiting: Delivery[] = [];
  const moved: string[] = [];
  let questions = 0;
  const broker: Pick<Broker, "depths" | "take" | "publish"> = {
    async depths(queues) {
      questions++;
      return new Map(queues.map((queue) => [queue, { ready: waiting.length, consumers: 0, isShared: false }]));
    },
    take: async () => waiting.shift(),
    publish: async (queue) => void moved.push(queue),
  };
  const promoter = new Promoter({
    broker: broker as Broker,
    queue: "create",
    delay: { label: "100ms", ms: 100 },
    holdForMs: 60_000,
    now: () => new Date(),
    say: () => {},
  });
  const stop = new AbortController();
  const running = promoter.run(stop.signal);
  await until(() => questions > 0, { what: "the first look" });
  // The next one would be in half a minute.
  for (let deferred = 1; deferred <= 2; deferred++) {
    promoter.expect();
    const delivery = {
      queue: promoter.retryQueue,
      body: Buffer.from("{}"),
      headers: {},
      isOpen: true,
      returns: 0,
      takenAt: performance.now(),
      ack: () => Object.assign(delivery, { isOpen: false }),
    };
    waiting.push(delivery as unknown as Delivery);
    await until(() => moved.length === deferred, { timeoutMs: 3_000, what: "the deferred message to be moved" });
  }
  expect(moved).toEqual(["create", "create"]);
  stop.abort();
  await running;
});
