import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Exit, exits } from "../errors.ts";

/** Tests and declarations are none, nor what is hidden: an editor's or a Mac's. */
export const isSource = (name: string): boolean => /^[^.].*\.[tj]s$/.test(name) && !/\.(test|d)\.[tj]s$/.test(name);

/** The stages in a folder, by their paths. Helpers belong in a folder below it. */
export function stageFilesIn(folder: string): string[] {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = files.map(({ name }) => name).filter(isSource);
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? error.code : "unreadable";
    const next = "create it, or take stages.folder out of the configuration";
    throw new Exit(exits.config, `the folder of stages ${folder} cannot be read (${why}): ${next}`);
  }
}

/** What a stage in this file must be called. */
export const stageNameOf = (file: string): string => basename(file).replace(/\.[tj]s$/, "");

/** Whoever can write a stage is the service, and holds its keys: undefined where that is root or the service itself. */
export function rightsProblem(path: string): string | undefined {
  const { uid, mode } = statSync(path);
  if (uid !== 0 && uid !== process.geteuid?.())
    return `belongs to user ${uid}, not to root or the user that runs this: chown root ${path}`;
  return mode & 0o022 ? `can be written by others: chmod go-w ${path}` : undefined;
}

/** Where in a file the first of these is that is there, as `file:line`; else its first line. */
export function placeIn(file: string, ...patterns: RegExp[]): string {
  let source = "";
  try {
    source = readFileSync(file, "utf8");
  } catch {}
  const index = patterns.map((pattern) => source.search(pattern)).find((found) => found >= 0) ?? 0;
  return `${file}:${source.slice(0, index).split("\n").length}`;
}

export const propertyPattern = (property: string) =>
  new RegExp(`(?<=^|[\\s{,])["']?${RegExp.escape(property)}["']?\\s*[:(]`, "m");
