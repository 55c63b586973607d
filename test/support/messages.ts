import type { Broker, Delivery } from "../../src/broker/broker.ts";

/** The messages of a queue from its head; those that are not settled are put back at the end. */
export async function* messagesIn(broker: Pick<Broker, "take">, queue: string): AsyncGenerator<Delivery> {
  const taken: Delivery[] = [];
  try {
    for (let one = await broker.take(queue); one; one = await broker.take(queue)) {
      taken.push(one);
      yield one;
    }
  } finally {
    for (const one of taken) one.requeue();
  }
}
