import type { Delivery } from "../broker/broker.ts";

export interface LimitOptions {
  delivery: Delivery;
  /** Aborts when the daemon no longer waits for work in progress. */
  hardStop: AbortSignal;
  holdForMs: number;
}

/** Until disposed of, calls `release` with the reason why this delivery must end. */
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
