import { parseDuration } from "../../config/dates.ts";
import type { Delay } from "./policy.ts";

/** The retry queue of a delay: a plain durable queue, emptied by us (a broker's own expiry loses messages). */
export const retryQueueOf = (queue: string, delay: Delay) => `${queue}.retry.${delay.label}`;

/** The delay of a retry queue of this queue; undefined for any other queue. */
export function delayOf(queue: string, retryQueue: string): Delay | undefined {
  const label = retryQueue.startsWith(`${queue}.retry.`) ? retryQueue.slice(`${queue}.retry.`.length) : "";
  const ms = parseDuration(label);
  return ms === undefined ? undefined : { label, ms };
}

/** The main queues of dead-letter queues. */
export const mainQueuesOf = (queues: readonly string[]): string[] =>
  queues.flatMap((queue) => (queue.endsWith(".dead") ? [queue.slice(0, -".dead".length)] : []));

export const deadQueueOf = (queue: string) => `${queue}.dead`;
