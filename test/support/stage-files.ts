import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "./leaks.ts";

/** A folder of stages with these files, by path. */
export function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o644 });
  }
  chmodSync(folder, 0o755);
  return folder;
}

/** A stage after assign-privilege, one property a line from line 3 on: name, queue, after, message, then `more`. */
export const stageText = (name: string, more: string, { queue = `site_${name}`, after = "assign-privilege" } = {}) => `\
import * as h from "hikvision-sync"; const { defineStage, v } = h;
export default defineStage({
  name: "${name}",
  queue: "${queue}",
  after: "${after}",
  message: v.looseObject({ personId: v.string() }),
  ${more}
});
`;

/** The files in a page of the docs: a heading with the file's name, then its text. */
export function filesIn(page: string): Record<string, string> {
  const text = readFileSync(join(import.meta.dir, "../..", page), "utf8");
  const found = text.matchAll(/^### `([^`]+)`\n+```\w+\n([\s\S]*?)^```/gm);
  return Object.fromEntries(Array.from(found, ([, name = "", body = ""]) => [name, body]));
}
