import type { Headers } from "../../broker/broker.ts";
import type { Stage } from "../../stage.ts";
import { appendFailure, type Envelope, encodeHeaders } from "../envelope.ts";
import type { HandlerDeps } from "../stage-context.ts";
import type { Decision } from "./policy.ts";
import { deadQueueOf, retryQueueOf } from "./queues.ts";

/** The queue for a failed message, and its headers with one more failure in the history; `next` is for the log. */
export function deferred(
  decision: Exclude<Decision, { do: "pause" }>,
  envelope: Envelope,
  { name, queue }: Pick<Stage, "name" | "queue">,
  { now, log }: Pick<HandlerDeps, "now" | "log">,
): { queue: string; headers: Headers; next: string } {
  const { code, text } = decision;
  const at = now();
  if (decision.do === "wait") {
    const { delay } = decision;
    const headers = encodeHeaders({ ...envelope, again: true, dueAt: new Date(at.getTime() + delay.ms) });
    return { queue: retryQueueOf(queue, delay), headers, next: `again in ${delay.label}, not counted` };
  }
  const record = { at: at.toISOString(), stage: name, code, text: log.mask(text) };
  const history = appendFailure(envelope.history, record);
  const charged = { ...envelope, attempt: envelope.attempt + 1, history, dueAt: undefined };
  if (decision.do === "dead")
    return { queue: deadQueueOf(queue), headers: encodeHeaders(charged), next: "dead letter" };
  const { delay } = decision;
  const headers = encodeHeaders({ ...charged, dueAt: new Date(at.getTime() + delay.ms) });
  return { queue: retryQueueOf(queue, delay), headers, next: `again in ${delay.label}` };
}
