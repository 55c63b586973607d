import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Exit, exits } from "../errors.ts";

/** Whether a file holds a stage: not a test, a declaration or a hidden file of an editor or a Mac. */
export const isSource = (name: string): boolean => /^[^.].*\.[tj]s$/.test(name) && !/\.(test|d)\.[tj]s$/.test(name);

/** The stages in a folder, by their paths. Helpers belong in a folder below it. */
export function stageFilesIn(folder: string): string[] {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = files.map(({ name }) => name).filter(isSource);
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? error.code : "unreadable";
    const next = "create it, or remove stages.folder from the configuration";
    throw new Exit(exits.config, `the stages folder ${folder} cannot be read (${why}): ${next}`);
  }
}

/** The name that the stage in this file must have. */
export const stageNameOf = (file: string): string => basename(file).replace(/\.[tj]s$/, "");

/** The place of the first pattern that matches, as `file:line`; else the first line of the file. */
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
