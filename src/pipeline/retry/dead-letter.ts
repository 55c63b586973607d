import type { FailureCode } from "../../errors/codes.ts";
import { contentOf, employeeNameOf } from "../../ledger/cases/record.ts";
import type { DeadLetter } from "../../ledger/dead-letter-index.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Mask } from "../../observability/mask.ts";
import type { Envelope } from "../envelope.ts";

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
  ledger: LedgerOfLetters;
}

/** Keyed hashes: what the index holds tells no NIK. */
export type LedgerOfLetters = Pick<Ledger, "personKey"> & {
  readonly cases: Pick<Ledger["cases"], "caseIdOf" | "idOf" | "marksOf">;
};

/** What a dead letter's list shows of a message: derived alike when it dies and when it is found in its queue. */
export function deadLetterOf({ queue, stage, body, message, envelope, mask, ledger }: DeadMessage): DeadLetter {
  const { id, attempt, history, firstSeenAt, run, kib, code: nik, fetchedAt, inducted, repeat } = envelope;
  const reason = history.at(-1);
  const first = firstSeenAt.toISOString();
  const code = reason?.code ?? ("unknown" satisfies FailureCode);
  const where = stage ?? reason?.stage ?? queue;
  const name = employeeNameOf(message);
  const { cases } = ledger;
  const marks = cases.marksOf(envelope.record ?? id);
  const content = ledger.personKey(message === undefined ? Buffer.from(body).toString("latin1") : contentOf(message));
  // A changed record takes the place of the one before it, where it is known for certain which one that is.
  const ofRecord = nik !== undefined && inducted !== undefined ? [inducted, repeat] : [content];
  return {
    id: cases.idOf(marks.record, where, code, ...ofRecord),
    stage: where,
    queue,
    code,
    text: mask(reason?.text ?? "no reason was recorded"),
    attempts: attempt,
    first,
    last: reason?.at ?? first,
    run,
    kib,
    name: name === undefined ? undefined : mask(name).slice(0, 100),
    fetched: fetchedAt?.toISOString(),
    case_id: cases.caseIdOf(marks.record, where, code),
    content,
    record: marks.record,
    person: nik === undefined ? undefined : ledger.personKey(nik),
    mark: marks.name,
    inducted,
    repeat,
  };
}
