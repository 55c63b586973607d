import { join } from "node:path";

/** How a hidden command of main.ts is run in a process of its own. */
export function ownProgram(word: string): string[] {
  const isCompiled = import.meta.dir.startsWith("/$bunfs/");
  // n.b. The link leads to this very binary, also after an upgrade has replaced it.
  const program = isCompiled ? ["/proc/self/exe"] : [process.execPath, join(import.meta.dir, "../main.ts")];
  return [...program, word];
}

/** The hidden command that imports a bundle from its stdin and ends. */
export const importWord = "import-stage";
