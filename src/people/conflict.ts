import { reject } from "../errors.ts";
import { type Names, wholeName } from "./names.ts";
import type { BirthAgreement } from "./nik.ts";
import { type Identity, reasons, samePerson } from "./same-person.ts";

/** Both names and both KIB numbers fit into what a dead letter keeps of a text. */
const longestName = 40;

/** "Budi Santoso" (KIB 2600001) */
export function labelOf(names: Names, kib: string | undefined): string {
  const name = wholeName(names);
  const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
  return `"${shown}" (${kib ? `KIB ${kib}` : "no KIB"})`;
}

/**
 * Rejects with `identity_conflict` unless the person is clearly this employee. Where birth_date contradicts the NIK, equal
 * names let through only what overwrites nothing: a second delivery of the record that made the person.
 */
export function assertSameHuman(
  employee: Identity,
  person: Identity & { readonly personId: string },
  { birth, overwrites }: { birth: BirthAgreement; overwrites: boolean },
): void {
  const { same, reason } = samePerson(employee, person, birth);
  if (same || (reason === "birth_date" && !overwrites)) return;
  const [ours, theirs] = [labelOf(employee, employee.kib), labelOf(person, person.kib)];
  throw reject(
    "identity_conflict",
    `${ours} at Eposh has the NIK of ${theirs} in HikCentral (person ${person.personId}): ${reasons[reason]}`,
  );
}
