import type { Delivery } from "../broker/broker.ts";

export interface LimitOptions {
  delivery: Delivery;
  /** Aborts when the daemon no longer waits for what is in progress. */
  hardStop: AbortSignal;
  holdForMs: number;
}

/** Until disposed of, tells once why this delivery may not be worked on any longer. */
export function limitsOf(
  { delivery, hardStop, holdForMs }: LimitOptions,
  release: (reason: string) => void,
): Disposable {
  const onRevoked = () => release("the broker took the message back");
  const onHardStop = () => release("the daemon is stopping");
  delivery.revoked.addEventListener("abort", onRevoked, { once: true });
  hardStop.addEventListener("abort", onHardStop, { once: true });
  const leftMs = holdForMs - (performance.now() - delivery.takenAt);
  const timer = setTimeout(() => release("it was in progress for too long"), Math.max(0, leftMs));
  if (delivery.revoked.aborted) onRevoked();
  if (hardStop.aborted) onHardStop();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      delivery.revoked.removeEventListener("abort", onRevoked);
      hardStop.removeEventListener("abort", onHardStop);
    },
  };
}
