import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { shellWord } from "../text/shell-word.ts";

/** Undefined where only root or the user of this process can write; else why not, and the command that cures it. */
export function rightsProblem(path: string): string | undefined {
  const { uid, mode } = statSync(path);
  if (uid !== 0 && uid !== process.geteuid?.())
    return `belongs to user ${uid}, not to root or the current user: chown root ${shellWord(path)}`;
  return mode & 0o022 ? `can be written by others: chmod go-w ${shellWord(path)}` : undefined;
}

/** Whoever may write a folder above can put another one in its place; in one that is sticky only what is theirs. */
export function aboveProblem(path: string): string | undefined {
  for (let at = dirname(realpathSync(path)); ; at = dirname(at)) {
    const problem = (statSync(at).mode & 0o1000) === 0 ? rightsProblem(at) : undefined;
    if (problem) return `is in ${at}, which ${problem}`;
    if (at === dirname(at)) return undefined;
  }
}
