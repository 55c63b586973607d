import { reject } from "../errors.ts";
import type { Names } from "./names.ts";
import type { Person } from "./types.ts";

const wordsOf = ({ givenName, familyName }: Names) =>
  `${givenName} ${familyName}`
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}'’‘`ʼ]/gu, "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);

/** False when no word agrees: a mistyped NIK is then likelier than a new name. Case, accents, punctuation do not count. */
export function sameName(a: Names, b: Names): boolean {
  const words = new Set(wordsOf(a));
  return wordsOf(b).some((word) => words.has(word));
}

/**
 * Rejects with `person_changed` unless this is still the person with that number: after a restore of HikCentral its
 * numbers may belong to others, also those in a message that was never delivered before.
 */
export function assertSamePerson(person: Pick<Person, "personId"> | undefined, personId: string): asserts person {
  if (person?.personId === personId) return;
  const text = `person ${personId} is no longer this employee in HikCentral; trigger the date again`;
  throw reject("person_changed", text);
}
