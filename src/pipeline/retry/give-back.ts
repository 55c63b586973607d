import type { Broker, Delivery, Headers } from "../../broker/broker.ts";
import { publishUntilConfirmed } from "../emit.ts";

/** After the stop: less than the grace period of a stopping daemon. */
const giveBackMs = 400;

/** A quorum queue drops a message that was returned to it 20 times, unless told otherwise. */
export const maxReturns = 5;

/**
 * Publishes a delivery again at the end of its queue, confirmed, before it acknowledges it: a broker counts returned
 * messages, and drops one at a limit. Waits for the confirm while the delivery is ours, and after `stop` for a moment.
 */
export async function giveBack(
  broker: Pick<Broker, "publish" | "declare">,
  delivery: Delivery,
  headers: Headers,
  { stop, say }: { stop: AbortSignal; say: (text: string) => void },
): Promise<void> {
  if (!delivery.isOpen) return;
  const late = new AbortController();
  const stopped = () => AbortSignal.timeout(giveBackMs).addEventListener("abort", () => late.abort(), { once: true });
  if (stop.aborted) stopped();
  else stop.addEventListener("abort", stopped, { once: true });
  try {
    const signal = AbortSignal.any([delivery.revoked, late.signal]);
    await publishUntilConfirmed(broker, delivery.queue, [{ body: delivery.body, headers }], { signal, say });
    delivery.ack();
  } catch {
    delivery.requeue();
  } finally {
    stop.removeEventListener("abort", stopped);
  }
}
