import type { Broker, Delivery, Headers } from "../../broker/broker.ts";

/** Less than the grace period of a stopping daemon. */
const giveBackMs = 400;

/**
 * Publishes a delivery again at the end of its queue, confirmed, before it acknowledges it: a broker counts returned
 * messages, and drops one at a limit. Without a confirm in time the broker takes it back with the connection.
 */
export async function giveBack(broker: Pick<Broker, "publish">, delivery: Delivery, headers: Headers): Promise<void> {
  if (!delivery.isOpen) return;
  try {
    await broker.publish(delivery.queue, [{ body: delivery.body, headers }], AbortSignal.timeout(giveBackMs));
    delivery.ack();
  } catch {
    delivery.requeue();
  }
}
