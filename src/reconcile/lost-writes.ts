import type { Clients } from "../clients.ts";
import type { Config } from "../config/load.ts";
import { isReject } from "../errors.ts";
import { noteIn, type Write } from "../ledger/cases/losses.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { besideMs, lostSpan } from "./lost-span.ts";

interface Listed {
  readonly personId: string;
  readonly note: string;
}

/**
 * Where the stages met what HikCentral loses only by a restore: forgets that the other writes of that time were made, so
 * that they are made again. Returns how long that time was, in words; undefined where nothing was lost, or in doubt.
 */
export async function forgetLostWrites(
  { hikcentral }: Pick<Clients, "hikcentral">,
  { regionals }: Pick<Config, "regionals">,
  { ledger, signal }: { ledger: Ledger; signal: AbortSignal },
): Promise<string | undefined> {
  const losses = ledger.losses.recent();
  const [first] = losses;
  if (first === undefined) return undefined;
  const undone = losses.map(({ at, how }) => ({ at: Date.parse(at), how }));
  const times = undone.map(({ at }) => at);
  const least = times.reduce((a, b) => Math.min(a, b));
  const most = times.reduce((a, b) => Math.max(a, b));
  const writes = ledger.losses.writesBetween(least - besideMs, most + besideMs);

  const reads = hikcentral.reads(signal);
  const asked = new Set(writes.map(({ person }) => person));
  const listed = new Map<string, Listed>();
  for await (const page of reads.persons())
    for (const { personCode, personId, remark } of page) {
      const person = ledger.personKey(personCode.trim());
      if (asked.has(person)) listed.set(person, { personId, note: noteIn(remark) });
    }
  const members = new Map<string, ReadonlySet<string>>();
  for (const group of new Set(Object.values(regionals))) {
    const ids = new Set<string>();
    members.set(group, ids);
    try {
      for await (const page of reads.groupMembers(group)) for (const { id } of page) ids.add(id);
    } catch (error) {
      if (!isReject(error)) throw error;
    }
  }

  const stands = ({ person, personId, privilegeGroup, note }: Write): boolean => {
    const there = listed.get(person);
    if (there?.personId !== personId) return false;
    if (privilegeGroup !== null) return members.get(privilegeGroup)?.has(personId) ?? false;
    return note === null || note === there.note;
  };
  const standing = writes.filter(stands);
  const span = lostSpan({ undone, standing: standing.map(({ at }) => Date.parse(at)) });
  if (span === undefined) return undefined;
  const isLost = ({ at }: Write) => Date.parse(at) > span.after && Date.parse(at) < span.before;
  const iso = (ms: number) => new Date(ms).toISOString();
  ledger.losses.forget(writes.filter(isLost), first.seen, [iso(span.after), iso(span.before)]);
  return `HikCentral was restored to a backup: what was written there from ${iso(least)} to ${iso(most)} is lost, and is written again`;
}
