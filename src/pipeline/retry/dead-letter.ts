import { createHash } from "node:crypto";
import type { FailureCode } from "../../errors/codes.ts";
import type { DeadLetter } from "../../ledger/dead-letter-index.ts";
import type { Mask } from "../../observability/mask.ts";
import { type Envelope, personOf } from "../envelope.ts";

export interface DeadMessage {
  /** The main queue. */
  queue: string;
  /** The stage of that queue; undefined where it no longer exists. */
  stage: string | undefined;
  body: Uint8Array;
  /** The body as JSON; undefined if it is none. */
  message: unknown;
  envelope: Envelope;
  mask: Mask;
}

/** What a dead letter's list shows of a message: derived alike when it dies and when it is found in its queue. */
export function deadLetterOf({ queue, stage, body, message, envelope, mask }: DeadMessage): DeadLetter {
  const { id, attempt, history, firstSeenAt, run, kib, fetchedAt } = envelope;
  const reason = history.at(-1);
  const first = firstSeenAt.toISOString();
  const { name } = (personOf(message) && (message as { employee?: { name?: unknown } }).employee) ?? {};
  return {
    id: createHash("sha256").update(`${queue}\n${id}\n`).update(body).digest("hex").slice(0, 12),
    stage: stage ?? reason?.stage ?? queue,
    queue,
    code: reason?.code ?? ("unknown" satisfies FailureCode),
    text: mask(reason?.text ?? "no reason was recorded"),
    attempts: attempt,
    first,
    last: reason?.at ?? first,
    run,
    kib,
    name: typeof name === "string" ? mask(name).slice(0, 100) : undefined,
    fetched: fetchedAt?.toISOString(),
  };
}
