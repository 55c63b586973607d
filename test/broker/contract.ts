import { afterAll, describe, expect, test } from "bun:test";
import { type Broker, BrokerDown } from "../../src/broker/broker.ts";
import { passThrough, takeUpTo } from "../../src/broker/careful-pass.ts";
import { messagesIn } from "../support/messages.ts";
import { until } from "../support/until.ts";
import { bodies, depthOf, numbered, queueOf, ready, type Transport, take, textOf } from "./transports.ts";

/** What every transport promises. */
export function testContract({ name, open, close }: Transport): void {
  afterAll(close);

  describe(name, () => {
    test("a published message is delivered byte for byte, with exactly its headers", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      const bytes = crypto.getRandomValues(new Uint8Array(300));
      const headers = {
        "hs-id": "a-1",
        "hs-attempt": 3,
        "hs-late": true,
        "hs-text": "Ñandú 李 – ½",
        "hs-big": 1_763_942_400_123,
      };
      await broker.publish(queue, [{ body: bytes.subarray(20, 280), headers }, { body: "{}" }]);
      await using taken = await take(broker, queue, 2);
      const [first, second] = await taken.has(2);
      expect(new Uint8Array(first?.body ?? [])).toEqual(bytes.slice(20, 280));
      expect(first?.headers).toEqual(headers);
      expect(first?.queue).toBe(queue);
      expect(first?.redelivered).toBe(false);
      expect(first?.revoked.aborted).toBe(false);
      expect(second?.headers).toEqual({});
    });

    test("a megabyte and an empty body arrive whole", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      const big = "ü".repeat(500_000);
      await broker.publish(queue, [{ body: big }, { body: "" }]);
      await using taken = await take(broker, queue, 2);
      await taken.has(2);
      expect(taken.texts()).toEqual([big, ""]);
    });

    test("a publish is only confirmed once it is stored and can be counted", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(3));
      expect(await depthOf(broker, queue)).toEqual({ ready: 3, consumers: 0, isShared: false });
      await broker.publish(queue, []);
      await ready(broker, queue, 3);
    });

    test("publishing to a queue that does not exist rejects and names it", async () => {
      await using broker = await open();
      await expect(broker.publish("test-nowhere", [{ body: "x" }])).rejects.toThrow(/test-nowhere.*declare/);
      const queue = await queueOf(broker);
      await broker.publish(queue, [{ body: "the next one is not harmed" }]);
    });

    test("consuming or taking from a queue that does not exist rejects and names it", async () => {
      await using broker = await open();
      await expect(broker.consume("test-nowhere", { prefetch: 1, take: () => {} })).rejects.toThrow(
        /test-nowhere.*declare/,
      );
      await expect((async () => broker.take("test-nowhere"))()).rejects.toThrow(/test-nowhere.*declare/);
      expect(await depthOf(broker, "test-nowhere")).toBeUndefined();
    });

    test("declaring again changes nothing", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(1));
      await Promise.all([broker.declare([queue, queue]), broker.declare([queue])]);
      await ready(broker, queue, 1);
    });

    test("two thousand concurrent publishes are all confirmed and delivered once", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await Promise.all(numbered(2_000).map((message) => broker.publish(queue, [message])));
      await using taken = await take(broker, queue, 100, (delivery) => delivery.ack());
      await taken.has(2_000);
      expect(taken.texts().sort()).toEqual(bodies(2_000).sort());
      await ready(broker, queue, 0);
      expect(taken.deliveries).toHaveLength(2_000);
    });

    test("a queue is first in, first out", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(50));
      await using taken = await take(broker, queue, 7, (delivery) => setImmediate(() => delivery.ack()));
      await taken.has(50);
      expect(taken.texts()).toEqual(bodies(50));
    });

    test("never more than prefetch are unsettled, and settling one brings the next", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(10));
      await using taken = await take(broker, queue, 4);
      const deliveries = await taken.has(4);
      await ready(broker, queue, 6);
      expect(deliveries).toHaveLength(4);
      deliveries[2]?.ack();
      await taken.has(5);
      await ready(broker, queue, 5);
      expect(taken.texts()).toEqual(bodies(5));
    });

    test("what is put back comes again before what never came, as redelivered", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(4));
      await using first = await take(broker, queue, 3);
      const deliveries = await first.has(3);
      await first.consumer.stop();
      deliveries[2]?.requeue();
      deliveries[0]?.requeue();
      deliveries[1]?.ack();
      await ready(broker, queue, 3);
      await using second = await take(broker, queue, 10);
      await second.has(3);
      const [one, other, last] = second.texts();
      // n.b. A quorum queue gives it back in the order in which it was put back.
      expect([[one, other].sort(), last]).toEqual([["message 0", "message 2"], "message 3"]);
      expect(second.deliveries.map(({ redelivered }) => redelivered)).toEqual([true, true, false]);
    });

    test("a delivery ends once: what is settled cannot be settled again", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(2));
      await using taken = await take(broker, queue, 2);
      const [first, second] = await taken.has(2);
      first?.ack();
      first?.requeue();
      first?.ack();
      await taken.consumer.stop();
      second?.requeue();
      second?.ack();
      await using rest = await take(broker, queue, 10);
      await rest.has(1);
      expect(rest.texts()).toEqual(["message 1"]);
      await ready(broker, queue, 0);
    });

    test("after stop nothing new comes, and what is in hand can still be settled", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(3));
      const taken = await take(broker, queue, 2);
      const [first, second] = await taken.has(2);
      await Promise.all([taken.consumer.stop(), taken.consumer.stop()]);
      first?.ack();
      await broker.publish(queue, [{ body: "later" }]);
      await ready(broker, queue, 2);
      expect(taken.deliveries).toHaveLength(2);
      expect(second?.revoked.aborted).toBe(false);
      second?.ack();
      await using rest = await take(broker, queue, 10);
      await rest.has(2);
      expect(rest.texts()).toEqual(["message 2", "later"]);
    });

    test("depth counts what is ready and who consumes", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(5));
      const taken = await take(broker, queue, 2);
      const deliveries = await taken.has(2);
      expect(await depthOf(broker, queue)).toEqual({ ready: 3, consumers: 1, isShared: false });
      await taken.consumer.stop();
      // n.b. A quorum queue counts a consumer until the last of its messages is settled.
      await using next = await take(broker, queue, 1);
      deliveries.push(...(await next.has(1)));
      expect(await depthOf(broker, queue)).toMatchObject({ isShared: false });
      await next.consumer.stop();
      for (const delivery of deliveries) delivery.ack();
      const isAlone = async () => (await depthOf(broker, queue))?.consumers === 0;
      await until(isAlone, { what: "the consumer to be gone" });
    });

    test("what is taken together is the head in order, and what is put back comes again", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await broker.publish(queue, numbered(130));
      await ready(broker, queue, 130);
      const [first, second] = [await takeUpTo(broker, queue, 100), await takeUpTo(broker, queue, 100)];
      expect([...first, ...second].map(textOf)).toEqual(bodies(130));
      for (const delivery of first) delivery.ack();
      for (const delivery of second) delivery.requeue();
      await ready(broker, queue, 30);
      const again = await takeUpTo(broker, queue, 100);
      expect(again.map(textOf).sort()).toEqual(bodies(130).slice(100).sort());
      for (const delivery of again) delivery.ack();
      await ready(broker, queue, 0);
    });

    test("two consumers share a queue without getting the same message", async () => {
      await using broker = await open();
      const queue = await queueOf(broker);
      await using one = await take(broker, queue, 5);
      await using two = await take(broker, queue, 5);
      await broker.publish(queue, numbered(10));
      await until(() => one.deliveries.length + two.deliveries.length === 10, { what: "ten deliveries" });
      expect([...one.texts(), ...two.texts()].sort()).toEqual(bodies(10).sort());
    });

    test("what was not acknowledged before the broker closed comes again, redelivered, in order", async () => {
      const before = await open();
      const queue = await queueOf(before);
      await before.publish(queue, numbered(4));
      const taken = await take(before, queue, 3);
      const [first, second] = await taken.has(3);
      second?.ack();
      await before[Symbol.asyncDispose]();
      expect(first?.revoked.aborted).toBe(true);
      expect(before.state).toBe("closed");
      first?.ack();

      await using after = await open();
      await ready(after, queue, 3);
      await using again = await take(after, queue, 10);
      await again.has(3);
      expect(again.texts()).toEqual(["message 0", "message 2", "message 3"]);
      expect(again.deliveries.slice(0, 2).map(({ redelivered }) => redelivered)).toEqual([true, true]);
    });

    test("a closed broker refuses everything with BrokerDown", async () => {
      const broker = await open();
      const queue = await queueOf(broker);
      await broker[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
      await expect(broker.publish(queue, [{ body: "x" }])).rejects.toBeInstanceOf(BrokerDown);
      await expect(broker.declare(["test-other"])).rejects.toBeInstanceOf(BrokerDown);
      await expect(broker.consume(queue, { prefetch: 1, take: () => {} })).rejects.toBeInstanceOf(BrokerDown);
      await expect(depthOf(broker, queue)).rejects.toBeInstanceOf(BrokerDown);
      await expect((async () => broker.take(queue))()).rejects.toBeInstanceOf(BrokerDown);
    });

    test("changes of state are told until one stops listening", async () => {
      const broker = await open();
      const [heard, unheard]: string[][] = [[], []];
      broker.onState((state) => heard?.push(state));
      broker.onState((state) => unheard?.push(state))();
      expect([broker.state, broker.trouble]).toEqual(["up", undefined]);
      await broker[Symbol.asyncDispose]();
      expect([heard, unheard]).toEqual([["closed"], []]);
    });

    describe("a careful pass", () => {
      const restOf = async (broker: Broker, queue: string) => {
        const texts: string[] = [];
        for await (const delivery of messagesIn(broker, queue)) texts.push(textOf(delivery));
        return texts;
      };
      const pass = (broker: Broker, queue: string, visit: (text: string) => Promise<boolean>, windowSize?: number) =>
        passThrough(broker, queue, {
          idOf: textOf,
          visit: (delivery) => visit(textOf(delivery)),
          ...(windowSize && { windowSize }),
        });

      test("sees each message once from the head; what is let go is gone, and the rest stays in order", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        const headers = { "hs-id": "a", "x-other": 7 };
        await broker.publish(
          queue,
          numbered(9).map((one) => ({ ...one, headers })),
        );
        const seen: string[] = [];
        const visit = async (text: string) => seen.push(text) === 4;
        expect(await pass(broker, queue, visit, 2)).toBe(true);
        expect(seen).toEqual(bodies(9));
        await ready(broker, queue, 8);
        expect(await restOf(broker, queue)).toEqual(bodies(9).filter((_, at) => at !== 3));
        expect((await broker.take(queue))?.headers).toMatchObject(headers);
      });

      test("forty of them take nothing away and leave nothing twice", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        await broker.publish(queue, numbered(6));
        for (let round = 0; round < 40; round++) {
          await ready(broker, queue, 6);
          expect(await pass(broker, queue, async () => false)).toBe(true);
        }
        await ready(broker, queue, 6);
        expect(await restOf(broker, queue)).toEqual(bodies(6));
      });

      test("ends although messages are published to the same queue meanwhile", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        await broker.publish(queue, numbered(3));
        let seen = 0;
        const visit = async (text: string) => {
          seen += 1;
          await broker.publish(queue, [{ body: `again: ${text}` }]);
          return true;
        };
        expect(await pass(broker, queue, visit)).toBe(true);
        expect(seen).toBe(3);
        await ready(broker, queue, 3);
      });

      test("of a message that is there twice one is kept, and none where it is let go", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        await broker.publish(queue, [...numbered(3), ...numbered(2)]);
        expect(await pass(broker, queue, async (text) => text === "message 1")).toBe(true);
        await ready(broker, queue, 2);
        expect((await restOf(broker, queue)).sort()).toEqual(["message 0", "message 2"]);
      });

      test("that fails has lost nothing", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        await broker.publish(queue, numbered(5));
        const fail = async (text: string) => {
          if (text === "message 2") throw new Error("no");
          return text === "message 0";
        };
        await expect(pass(broker, queue, fail)).rejects.toThrow("no");
        await ready(broker, queue, 4);
        expect((await restOf(broker, queue)).sort()).toEqual(bodies(5).slice(1));
      });

      test("says whether it saw all, and what it did not see is still there", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        await broker.publish(queue, numbered(5));
        let seen = 0;
        const visit = async () => ++seen < 0;
        const until = (count: number, windowSize: number) =>
          passThrough(broker, queue, { idOf: textOf, visit, windowSize, isOver: () => seen === count });
        expect([await until(2, 10), seen]).toEqual([false, 2]);
        await ready(broker, queue, 5);
        expect([await until(4, 1), seen]).toEqual([false, 4]);
        await ready(broker, queue, 5);
        expect([await until(9, 10), seen]).toEqual([true, 9]);
        await ready(broker, queue, 5);
        expect((await restOf(broker, queue)).sort()).toEqual(bodies(5));
      });

      test("of an empty queue sees nothing", async () => {
        await using broker = await open();
        const queue = await queueOf(broker);
        const visit = () => {
          throw new Error("there is nothing");
        };
        expect(await pass(broker, queue, visit)).toBe(true);
      });
    });
  });
}
