import { statSync } from "node:fs";
import { shellWord } from "../text/shell-word.ts";

/** Undefined where only root or the user of this process can write; else why not, and the command that cures it. */
export function rightsProblem(path: string): string | undefined {
  const { uid, mode } = statSync(path);
  if (uid !== 0 && uid !== process.geteuid?.())
    return `belongs to user ${uid}, not to root or the current user: chown root ${shellWord(path)}`;
  return mode & 0o022 ? `can be written by others: chmod go-w ${shellWord(path)}` : undefined;
}
