import type { ComparisonCounts } from "../ledger/cases/last-comparison.ts";
import type { Comparison } from "./comparison.ts";
import { type Difference, noKib } from "./difference.ts";

/** An ordinary run that puts right what is missing. */
export interface Fix {
  from: string;
  to: string;
  /** Where it is missing: the whole date, because somebody has no KIB number to be named by. */
  kib?: string[];
  /** A run looks at a picture whose link is the same only where it is told to. */
  refresh_faces?: boolean;
}

/** One for each date. What a human took away, and who may be somebody else, is nothing to be put right. */
export function fixesOf({ differences }: Comparison): Fix[] {
  const fixable = differences.filter(({ canBeFixed }) => canBeFixed);
  return [...Map.groupBy(fixable, ({ date }) => date)].map(([date, those]) => {
    const kib = [...new Set(those.map(({ kib }) => kib))];
    const hasOtherPicture = those.some(({ code }) => code === "face_outdated");
    return {
      from: date,
      to: date,
      ...(!kib.includes(noKib) && { kib }),
      ...(hasOtherPicture && { refresh_faces: true }),
    };
  });
}

const namedIn = (differences: readonly Difference[]) => new Set(differences.map(({ personCode }) => personCode)).size;
const people = (count: number) => (count === 1 ? "1 employee" : `${count} employees`);

export function countsOf({ employees, differences, unchecked }: Comparison): ComparisonCounts {
  const unmatched = differences.filter(({ what }) => what === "member").length;
  const twins = differences.filter(({ what, date }) => what === "kib" && date === "").length;
  const differing = namedIn(differences.filter(({ date }) => date !== ""));
  const fixable = namedIn(differences.filter(({ canBeFixed }) => canBeFixed));
  return { employees, differing, fixable, unmatched, twins, unchecked };
}

/** What the comparison found, in words; `fixed` says what becomes of those who can be fixed. */
export function sentenceOf(
  { employees, differing, fixable, unmatched, twins }: ComparisonCounts,
  fixed: (count: number) => string,
): string {
  const members = unmatched === 1 ? "1 member" : `${unmatched} members`;
  const strangers = unmatched === 0 ? "" : ` No record explains the access of ${members} of the privilege groups.`;
  const numbers = twins === 1 ? "1 KIB number is" : `${twins} KIB numbers are`;
  const others = `${strangers}${twins === 0 ? "" : ` ${numbers} on two other persons.`}`;
  if (differing === 0) return `Eposh and HikCentral agree on all ${people(employees)}.${others}`;
  const next = fixable === 0 ? "Each of them needs a decision; see: hikvision-sync verify" : fixed(fixable);
  return `Eposh and HikCentral differ on ${differing} of ${people(employees)}. ${next}${others}`;
}
