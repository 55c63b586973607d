import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, BrokerDown } from "../../broker/broker.ts";
import { parseDuration } from "../../config/dates.ts";
import { textOf } from "../../errors.ts";
import { decodeHeaders, encodeHeaders } from "../envelope.ts";
import type { Delay } from "./policy.ts";

/** The retry queue of a delay: a plain durable queue, emptied by us (a broker's own expiry loses messages). */
export const retryQueueOf = (queue: string, delay: Delay) => `${queue}.retry.${delay.label}`;

/** The delay that a retry queue of this queue is for. */
export function delayOf(queue: string, retryQueue: string): Delay | undefined {
  const label = retryQueue.startsWith(`${queue}.retry.`) ? retryQueue.slice(`${queue}.retry.`.length) : "";
  const ms = parseDuration(label);
  return ms === undefined ? undefined : { label, ms };
}

export const deadQueueOf = (queue: string) => `${queue}.dead`;

const lookAgainMs = 5_000;

/**
 * Moves what is due from a retry queue to its main queue, confirmed before it is acknowledged. A due time further off
 * than the delay is due now: clocks jump. Returns how long until there may be more to move.
 */
export async function promoteDue(broker: Broker, queue: string, delay: Delay, now: () => Date): Promise<number> {
  for await (const delivery of broker.browse(retryQueueOf(queue, delay))) {
    const meta = decodeHeaders(delivery, undefined, now());
    const dueInMs = (meta.dueAt?.getTime() ?? 0) - now().getTime();
    if (dueInMs > 0 && dueInMs <= delay.ms) return Math.min(dueInMs, lookAgainMs);
    await broker.publish(queue, [{ body: delivery.body, headers: encodeHeaders({ ...meta, dueAt: undefined }) }]);
    delivery.ack();
  }
  return Math.min(delay.ms, lookAgainMs);
}

/** Promotes what is due in one retry queue until aborted. A broker that is away is its supervisor's business: it is waited for. */
export async function keepPromoting(
  broker: Broker,
  queue: string,
  delay: Delay,
  { signal, now, say }: { signal: AbortSignal; now: () => Date; say: (text: string) => void },
): Promise<void> {
  const waitQueue = retryQueueOf(queue, delay);
  for (let lastText = ""; !signal.aborted; ) {
    let nextMs = 1_000;
    try {
      nextMs = await promoteDue(broker, queue, delay, now);
      lastText = "";
    } catch (error) {
      const text = `${waitQueue} cannot be emptied: ${textOf(error)}`;
      if (!(error instanceof BrokerDown) && text !== lastText) say(text);
      lastText = text;
      // Somebody may have deleted one of them.
      await broker.declare([queue, waitQueue]).catch(() => {});
    }
    await sleep(nextMs, undefined, { signal }).catch(() => {});
  }
}
