/** The word that a mistyped one is nearest to, at most two letters away. */
export const closest = (mistyped: string, words: readonly string[]): string | undefined =>
  [1, 2].flatMap((steps) => words.filter((word) => isNear(mistyped, word, steps)))[0];

/** Whether adding, dropping or changing that many letters turns one word into the other. */
function isNear(a: string, b: string, steps: number): boolean {
  if (a === "" || b === "") return a.length + b.length <= steps;
  if (a[0] === b[0]) return isNear(a.slice(1), b.slice(1), steps);
  const [restA, restB, left] = [a.slice(1), b.slice(1), steps - 1];
  return steps > 0 && (isNear(restA, b, left) || isNear(a, restB, left) || isNear(restA, restB, left));
}
