import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Replaces a file, for its owner only. Once this returns, the new content survives a power cut; whatever happens before
 * that, the file holds either the old or the new content, complete. Throws without room or permission.
 */
export function writeAtomically(path: string, content: string | Uint8Array): void {
  const fresh = `${path}.new`;
  syncing(openSync(fresh, "w", 0o600), (file) => writeFileSync(file, content));
  renameSync(fresh, path);
  // n.b. Otherwise a power cut may undo the renaming.
  syncing(openSync(dirname(path), "r"));
}

function syncing(file: number, write: (file: number) => void = () => {}): void {
  try {
    write(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
