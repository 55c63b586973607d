import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const built = join(import.meta.dir, "../../dist/hikvision-sync");
/** The compiled program; another one than dist's where the environment names it. */
export const binary = process.env.HIKVISION_SYNC_TEST_BINARY ?? built;
if (!existsSync(binary)) throw new Error(`${binary} is not there: run  npm run build  first`);

/** What the packaged unit sets for the runtime. */
export const unitEnvironment = (): Record<string, string> => {
  const service = readFileSync(join(import.meta.dir, "../../systemd/hikvision-sync.service"), "utf8");
  const words = [...service.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = ""]) => line.split(" "));
  return Object.fromEntries(words.map((word) => word.split("=", 2)));
};
