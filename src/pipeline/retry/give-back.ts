import type { Broker, Delivery, Headers } from "../../broker/broker.ts";

/** Within the grace that a stopping daemon has left. */
const giveBackMs = 400;

/**
 * Published again at the end of its queue, and confirmed, before it is acknowledged: a broker counts what is returned to
 * it, and drops a message at a limit. Where nobody confirms in time the broker takes it back with the connection.
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
