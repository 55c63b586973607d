import type { Headers } from "../../broker/broker.ts";
import type { DeadLetter } from "../../ledger/dead-letter-index.ts";
import type { Stage } from "../../stage.ts";
import { appendFailure, type Envelope, encodeHeaders } from "../envelope.ts";
import type { HandlerDeps } from "../stage-context.ts";
import { deadLetterOf } from "./dead-letter.ts";
import type { Decision } from "./policy.ts";
import { deadQueueOf, retryQueueOf } from "./queues.ts";

export interface Failed {
  envelope: Envelope;
  body: Uint8Array;
  /** The body as JSON; undefined if it is none. */
  message: unknown;
}

export interface Deferred {
  queue: string;
  headers: Headers;
  /** For the log. */
  next: string;
  /** For the index of dead letters. */
  letter?: DeadLetter;
}

/** The queue for a failed message, and its headers with one more failure in the history. */
export function deferred(
  decision: Exclude<Decision, { do: "pause" }>,
  { envelope, body, message }: Failed,
  { name, queue }: Pick<Stage, "name" | "queue">,
  { now, ledger, log: { mask } }: Pick<HandlerDeps, "now" | "ledger" | "log">,
): Deferred {
  const { code, text } = decision;
  const at = now();
  if (decision.do === "wait") {
    const { delay } = decision;
    const headers = encodeHeaders({ ...envelope, again: true, dueAt: new Date(at.getTime() + delay.ms) });
    return { queue: retryQueueOf(queue, delay), headers, next: `again in ${delay.label}, not counted` };
  }
  const record = { at: at.toISOString(), stage: name, code, text: mask(text) };
  const history = appendFailure(envelope.history, record);
  const charged = { ...envelope, attempt: envelope.attempt + 1, history, dueAt: undefined };
  if (decision.do === "dead") {
    const letter = deadLetterOf({ queue, stage: name, body, message, envelope: charged, mask, ledger });
    return { queue: deadQueueOf(queue), headers: encodeHeaders(charged), next: "dead letter", letter };
  }
  const { delay } = decision;
  const headers = encodeHeaders({ ...charged, dueAt: new Date(at.getTime() + delay.ms) });
  return { queue: retryQueueOf(queue, delay), headers, next: `again in ${delay.label}` };
}
