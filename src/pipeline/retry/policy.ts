import type { FailureCode } from "../../errors/codes.ts";
import { Failure, Reject, Retry, textOf, Unavailable } from "../../errors.ts";
import type { Doubt } from "./doubts.ts";

/** One delay of the retry schedule: how long, and how the configuration writes it (it names the retry queue). */
export interface Delay {
  readonly label: string;
  readonly ms: number;
}

export type Decision =
  | { do: "retry"; delay: Delay; code: FailureCode; text: string }
  /** As retry, but uncounted. */
  | { do: "wait"; delay: Delay; code: FailureCode; text: string }
  | { do: "dead"; code: FailureCode; text: string }
  | { do: "pause"; upstream: string; reason: "outage" | "setup"; code: FailureCode; text: string };

/** Of the retry schedule: who waits uncounted must not wait for an hour once the upstream is back. */
const longestWait = 2;

export interface Circumstances {
  /** Counted attempts before the one that failed. */
  attempt: number;
  /** Whether the failure has a suspect whose probe failed. */
  suspectIsDown: boolean;
  delays: readonly Delay[];
  /** Asked where the failure may mean this one message, or the upstream. */
  doubt: () => Doubt;
}

/** Anything that was thrown becomes one of the three failures. */
export function toFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof Failure) return thrown;
  } catch {
    // A proxy may throw even here.
  }
  return new Retry("unexpected_error", textOf(thrown), { cause: thrown });
}

/** Decides what becomes of a message whose stage failed. Pure: the same failure and circumstances, the same decision. */
export function decide(failure: Failure, circumstances: Circumstances): Decision {
  const { attempt, suspectIsDown, delays, doubt } = circumstances;
  const { code, message: text } = failure;
  if (failure instanceof Unavailable) {
    const { verdict, tries } = failure.mayBeOne ? doubt() : { verdict: "pause", tries: 0 };
    const delay = delays[Math.min(tries, longestWait)] ?? delays.at(-1);
    if (verdict === "charge") return decide(new Retry(code, text), circumstances);
    if (verdict === "wait" && delay) return { do: "wait", delay, code, text };
    return { do: "pause", upstream: failure.upstream, reason: failure.reason, code, text };
  }
  if (failure instanceof Reject) return { do: "dead", code, text };
  const { suspect, afterMs = 0, repeats } = failure as Retry;
  if (suspect !== undefined && suspectIsDown) return { do: "pause", upstream: suspect, reason: "outage", code, text };
  const scheduled = delays[attempt] ?? (repeats ? delays.at(-1) : undefined);
  if (scheduled === undefined) return { do: "dead", code, text };
  // A hint may pick a longer delay, never a shorter one: so each retry queue stays in the order of its due times.
  const delay =
    scheduled.ms >= afterMs ? scheduled : (delays.find(({ ms }) => ms >= afterMs) ?? delays.at(-1) ?? scheduled);
  return { do: "retry", delay, code, text };
}
