import { existsSync } from "node:fs";
import { apt } from "../support/rabbitmq-install.ts";

/** Whether a program is there; where a fresh machine lacks it root has Debian install it, and others are told how. */
export async function needs(program: string, ...packages: string[]): Promise<boolean> {
  const isThere = () => (program.startsWith("/") ? existsSync(program) : Bun.which(program) !== null);
  if (!isThere() && process.getuid?.() === 0) {
    try {
      await apt("update");
      await apt("install", "-y", "--no-install-recommends", ...packages);
    } catch (error) {
      console.log(`SKIPPED ${error}`);
    }
  }
  if (!isThere()) console.log(`SKIPPED what needs ${program}: sudo apt-get install ${packages.join(" ")}`);
  return isThere();
}
