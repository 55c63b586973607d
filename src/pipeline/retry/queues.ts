import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, BrokerDown } from "../../broker/broker.ts";
import { parseDuration } from "../../config/dates.ts";
import { textOf } from "../../errors.ts";
import { readMeta, writeMeta } from "../envelope.ts";
import type { Delay } from "./policy.ts";

/** The wait queue of a rung: a plain durable queue, emptied by us (a broker's own expiry loses messages). */
export const waitQueueOf = (queue: string, delay: Delay) => `${queue}.retry.${delay.label}`;

/** The rung that a wait queue of this queue is for. */
export function delayOf(queue: string, waitQueue: string): Delay | undefined {
  const label = waitQueue.startsWith(`${queue}.retry.`) ? waitQueue.slice(`${queue}.retry.`.length) : "";
  const ms = parseDuration(label);
  return ms === undefined ? undefined : { label, ms };
}

export const deadQueueOf = (queue: string) => `${queue}.dead`;

const lookAgainMs = 5_000;

/**
 * Moves what is due from a wait queue to its main queue, confirmed before it is acknowledged. A due time further off
 * than the rung is due now: clocks jump. Returns how long until there may be more to move.
 */
export async function sweep(broker: Broker, queue: string, delay: Delay, now: () => Date): Promise<number> {
  for await (const delivery of broker.browse(waitQueueOf(queue, delay))) {
    const meta = readMeta(delivery, undefined, now());
    const dueInMs = (meta.dueAt?.getTime() ?? 0) - now().getTime();
    if (dueInMs > 0 && dueInMs <= delay.ms) return Math.min(dueInMs, lookAgainMs);
    await broker.publish(queue, [{ body: delivery.body, headers: writeMeta({ ...meta, dueAt: undefined }) }]);
    delivery.ack();
  }
  return Math.min(delay.ms, lookAgainMs);
}

/** Sweeps one wait queue until aborted. A broker that is away is its supervisor's business: it is waited for. */
export async function keepSweeping(
  broker: Broker,
  queue: string,
  delay: Delay,
  { signal, now, say }: { signal: AbortSignal; now: () => Date; say: (text: string) => void },
): Promise<void> {
  const waitQueue = waitQueueOf(queue, delay);
  for (let said = ""; !signal.aborted; ) {
    let nextMs = 1_000;
    try {
      nextMs = await sweep(broker, queue, delay, now);
      said = "";
    } catch (error) {
      const text = `${waitQueue} cannot be emptied: ${textOf(error)}`;
      if (!(error instanceof BrokerDown) && text !== said) say(text);
      said = text;
      // Somebody may have deleted one of them.
      await broker.declare([queue, waitQueue]).catch(() => {});
    }
    await sleep(nextMs, undefined, { signal }).catch(() => {});
  }
}
