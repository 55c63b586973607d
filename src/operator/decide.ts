import { textOf } from "../errors.ts";
import { conflictOf } from "../ledger/person-memory.ts";
import type { Decision } from "../people/types.ts";
import { casesOf } from "./cases.ts";
import type { DeadLetters } from "./dead-letters.ts";

export interface Decided {
  id: string;
  decision: Decision;
  /** Dead letters that were sent back to their stage. */
  replayed?: number;
}

/** Decides an identity conflict once, or says why not. */
export async function decide(
  dead: DeadLetters,
  id: string,
  decision: Decision,
  signal?: AbortSignal,
): Promise<Decided | { problem: string }> {
  const { ledger, mask, now } = dead.options;
  const [found, ...others] = casesOf(ledger, { ids: [id] }, mask);
  if (found === undefined || others.length > 0)
    return { problem: `no case has the ID ${id}, or several begin with it; see: hikvision-sync dead list` };
  if (found.code !== "identity_conflict")
    return { problem: `case ${found.id} is no identity_conflict: there is nothing to decide` };
  const [row] = ledger.rows<{ pair: string }>(
    "select value pair from refused r join cases c on c.person = r.person and r.what = ? || c.record where c.id = ?",
    conflictOf(""),
    found.id,
  );
  if (row === undefined)
    return { problem: "it is not known which two are meant: replay the dead letter first, then decide" };
  if (found.closed && found.closed.why !== "decided")
    return { problem: `case ${found.id} is closed (${found.closed.why}): there is nothing to decide` };
  try {
    ledger.decisions.set(row.pair, decision, now());
  } catch (error) {
    return { problem: `the decision cannot be stored, and nothing was changed: ${textOf(error)}` };
  }
  if (decision === "record-wrong") ledger.write(() => ledger.cases.close(found.id, "decided", now().toISOString()));
  // Another answer takes back that the record is wrong.
  else ledger.rows("update cases set closed = null, why = null where id = ? and closed is not null", found.id);
  if (decision !== "same") return { id: found.id, decision };
  // Of old data too: what is later in HikCentral stays.
  const { count, trouble } = await dead.replay({ ids: [found.id], stale: true }, signal);
  if (trouble) return { problem: `the decision is kept, but the message was not sent back: ${trouble}; replay it` };
  return { id: found.id, decision, replayed: count };
}
