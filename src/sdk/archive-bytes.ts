import { join } from "node:path";

const script = join(import.meta.dir, "../../packaging/sdk-archive.ts");
let made: Promise<Uint8Array> | undefined;

/** Run from source, a script makes it on first use; build.ts puts the finished one in place of this file. */
export const sdkBytes = (): Promise<Uint8Array> => {
  made ??= make();
  return made;
};

async function make(): Promise<Uint8Array> {
  const child = Bun.spawn([process.execPath, script], { stdout: "pipe", stderr: "pipe" });
  const [bytes, problems, exit] = await Promise.all([child.stdout.bytes(), child.stderr.text(), child.exited]);
  if (exit !== 0) throw new Error(`the sdk could not be made: ${problems}`);
  return bytes;
}
