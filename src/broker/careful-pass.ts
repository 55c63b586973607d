import { Pace } from "../util/turns/pace.ts";
import type { Broker, Delivery, Headers } from "./broker.ts";

const few = 20;
/**
 * n.b. Of a quorum queue RabbitMQ 4 sends on what a channel settles while at most 32 are under way, and forgets the rest
 * where the channel is closed then: it would be delivered again.
 */
const atOnce = 30;

/** Up to so many from the head, in progress. */
export async function takeUpTo(broker: Broker, queue: string, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  try {
    for (let more = true; more && count - taken.length > few; ) {
      const asked = Math.min(atOnce, count - taken.length);
      const together = (await broker.takeTogether?.(queue, asked)) ?? [];
      taken.push(...together);
      more = together.length === asked;
    }
    while (taken.length < count) {
      const delivery = await broker.take(queue);
      if (delivery === undefined) break;
      taken.push(delivery);
    }
    return taken;
  } catch (error) {
    for (const delivery of taken) delivery.requeue();
    throw error;
  }
}

/** Headers as they are published again: RabbitMQ's own counts of the former message are not the next one's. */
export const headersOf = ({ headers }: Delivery): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^x-(delivery|acquired)-count$/.test(name)),
  ) as Headers;

export interface PassOptions {
  /** Messages of one id are the same message. */
  idOf: (delivery: Delivery) => string;
  /** True where the message is to go: what must happen before it has happened, or is done by `leave`. */
  visit: (delivery: Delivery) => Promise<boolean>;
  /** Before those that are in progress together and are to go are acknowledged. What it rejects for is kept. */
  leave?: (deliveries: readonly Delivery[]) => Promise<void>;
  /** Whether the rest need not be seen. */
  isOver?: () => boolean;
  /** In progress at a time (200). A message that is twice among them is kept once. */
  windowSize?: number;
  /** Ends the wait for the confirm of what is kept. */
  signal?: AbortSignal | undefined;
}

const keepForMs = 10_000;

/**
 * Shows every message of a queue to `visit`, from the head. What is kept is published again, confirmed, before it is
 * acknowledged, because RabbitMQ counts every message that is put back and drops it at a limit. Resolves with whether all
 * that were there were seen.
 */
export async function passThrough(broker: Broker, queue: string, options: PassOptions): Promise<boolean> {
  const { idOf, visit, leave, isOver = () => false, windowSize = 200, signal } = options;
  let left = (await broker.depths([queue])).get(queue)?.ready ?? 0;
  let isWhole = true;
  const pace = new Pace();
  while (left > 0 && isWhole) {
    const taken = await takeUpTo(broker, queue, Math.min(left, windowSize));
    if (taken.length === 0) break;
    left -= taken.length;
    // Two that are in progress at once are two for certain, and not one that was published again.
    const groups = [...Map.groupBy(taken, idOf).values()];
    const kept: Delivery[][] = [];
    let going: Delivery[][] = [];
    try {
      for (let group = groups.shift(); group; group = groups.shift()) {
        await pace.rest();
        kept.push(group);
        isWhole = !isOver();
        if (!isWhole || !(await visit(group.at(-1) as Delivery))) continue;
        kept.pop();
        if (leave) going.push(group);
        else for (const delivery of group) delivery.ack();
      }
      if (going.length > 0) await leave?.(going.flatMap((group) => group.slice(-1)));
      for (const delivery of going.flat()) delivery.ack();
      going = [];
    } finally {
      await keep(broker, queue, [...kept, ...going, ...groups], signal);
    }
  }
  return isWhole;
}

async function keep(broker: Broker, queue: string, groups: Delivery[][], signal?: AbortSignal): Promise<void> {
  const messages = groups.flatMap((group) =>
    group.slice(-1).map((one) => ({ body: one.body, headers: headersOf(one) })),
  );
  const patience = AbortSignal.timeout(keepForMs);
  try {
    signal?.throwIfAborted();
    await broker.publish(queue, messages, signal ? AbortSignal.any([patience, signal]) : patience);
    for (const delivery of groups.flat()) delivery.ack();
  } catch {
    for (const delivery of groups.flat()) delivery.requeue();
  }
}
