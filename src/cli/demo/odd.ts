import type { RunView, Tally } from "../../ledger/runs.ts";
import type { Comparison } from "../../reconcile/comparison.ts";
import type { Difference } from "../../reconcile/difference.ts";
import { laterOddPeople, oddPeople } from "../../simulator/odd-people.ts";

export const isOddKib = (kib: string): boolean => Number(kib) >= 2_698_000 || !/^\d+$/.test(kib);

/** Checks `--odd`: each odd person must have its warning or dead letter. Nobody else may have one, or differ. */
export function oddityReport(
  { differences }: Comparison,
  { warnings, deadLetters }: RunView,
): { differences: Difference[]; problems: string[] } {
  const everybody = [...oddPeople, ...laterOddPeople];
  const expected = (kind: string) => {
    const codes = everybody.flatMap(({ expect }) =>
      expect.startsWith(`${kind}:`) ? [expect.slice(kind.length + 1)] : [],
    );
    return new Map(codes.map((code) => [code, codes.filter((other) => other === code).length]));
  };
  const against = (kind: string, found: readonly Tally[]) => {
    const wanted = expected(kind);
    const counts = new Map<string, number>();
    for (const { code, count } of found) counts.set(code, (counts.get(code) ?? 0) + count);
    return [...new Set([...wanted.keys(), ...counts.keys()])].flatMap((code) => {
      const [want, have] = [wanted.get(code) ?? 0, counts.get(code) ?? 0];
      return want === have ? [] : [`${kind} ${code}: ${have} instead of ${want}`];
    });
  };
  // A photo that did not come at once is refused by the stage face: a dead letter instead of a warning.
  const isFaceless = ({ code }: Tally) => code === "no_photo";
  return {
    differences: differences.filter(({ kib }) => !isOddKib(kib)),
    problems: [
      ...against("warning", [...warnings, ...deadLetters.filter(isFaceless)]),
      ...against(
        "dead",
        deadLetters.filter((one) => !isFaceless(one)),
      ),
    ],
  };
}
