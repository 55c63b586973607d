/** The word that a mistyped one is nearest to, at most two letters away. */
export function closest(mistyped: string, words: readonly string[]): string | undefined {
  const likely = words.filter((word) => mayBeNear(mistyped, word));
  return [1, 2].flatMap((steps) => likely.filter((word) => isNear(mistyped, word, steps)))[0];
}

/** Two letters' difference leave one of three parts of a word whole. A start asks for each variable in its environment. */
function mayBeNear(mistyped: string, word: string): boolean {
  const [first, second] = [Math.floor(word.length / 3), Math.floor((word.length * 2) / 3)];
  const parts = [word.slice(0, first), word.slice(first, second), word.slice(second)];
  return Math.abs(word.length - mistyped.length) <= 2 && parts.some((part) => mistyped.includes(part));
}

/** Whether adding, dropping or changing that many letters turns one word into the other. */
function isNear(a: string, b: string, steps: number): boolean {
  if (a === "" || b === "") return a.length + b.length <= steps;
  if (a[0] === b[0]) return isNear(a.slice(1), b.slice(1), steps);
  const [restA, restB, left] = [a.slice(1), b.slice(1), steps - 1];
  return steps > 0 && (isNear(restA, b, left) || isNear(a, restB, left) || isNear(restA, restB, left));
}
