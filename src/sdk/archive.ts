import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sdkBytes } from "./archive-bytes.ts";

type Part = "types/" | "compiler/" | "sdk.js";

/** Writes these parts of the sdk into a folder; a part that is a folder loses its name where `to` names another. */
export async function unpackSdk(folder: string, parts: Partial<Record<Part, string>>): Promise<void> {
  const packed = Buffer.from(Bun.zstdDecompressSync(await sdkBytes())).toString();
  for (const [path, text] of Object.entries(JSON.parse(packed) as Record<string, string>))
    for (const [part, to] of Object.entries(parts)) {
      if (!path.startsWith(part)) continue;
      const target = join(folder, to, path.slice(part.length));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
}

/** A folder with these parts of the sdk, under their own names, until it is disposed of. */
export async function temporarySdk(...parts: Part[]): Promise<{ folder: string } & Disposable> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-sdk-"));
  await unpackSdk(folder, Object.fromEntries(parts.map((part) => [part, part])));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
