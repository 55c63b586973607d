import { reject } from "../errors.ts";
import { type Names, wholeName } from "./names.ts";
import type { BirthAgreement } from "./nik.ts";
import { type Identity, reasons, samePerson } from "./same-person.ts";
import type { Decision, PersonMemory } from "./types.ts";

const personWrong = "an operator decided that HikCentral's person is wrong: correct it there";
export const recordWrong = "an operator decided that this record is wrong: it is not used until it changes";

/** Both names and both KIB numbers fit into what a dead letter keeps of a text. */
const longestName = 40;

/** "Budi Santoso" (KIB 2600001) */
export function labelOf(names: Names, kib: string | undefined): string {
  const name = wholeName(names);
  const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
  return `"${shown}" (${kib ? `KIB ${kib}` : "no KIB"})`;
}

/**
 * Rejects with `identity_conflict` unless the person is clearly this employee, or an operator has decided otherwise: what
 * was decided is returned, and a record that was found wrong must not be used. Where birth_date contradicts the NIK, equal
 * names let through only what overwrites nothing: a second delivery of the record that made the person.
 */
export function assertSameHuman(
  employee: Identity,
  person: Identity & { readonly personId: string },
  {
    birth,
    overwrites,
    memory,
  }: { birth: BirthAgreement; overwrites: boolean; memory: Pick<PersonMemory, "decisionOn"> },
): Decision | undefined {
  const { same, reason } = samePerson(employee, person, birth);
  if (same || (reason === "birth_date" && !overwrites)) return undefined;
  const decided = memory.decisionOn({ name: wholeName(employee), kib: employee.kib }, wholeName(person));
  if (decided === "same" || decided === "record-wrong") return decided;
  const [ours, theirs] = [labelOf(employee, employee.kib), labelOf(person, person.kib)];
  throw reject(
    "identity_conflict",
    `${ours} at Eposh has the NIK of ${theirs} in HikCentral (person ${person.personId}): ${decided ? personWrong : reasons[reason]}`,
  );
}
