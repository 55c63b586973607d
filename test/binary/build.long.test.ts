import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../build.ts";
import { temporaryFolder } from "../support/leaks.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();

test("a build leaves one file, and another one the same bytes, in another folder too", async () => {
  const elsewhere = mkdtempSync(join(root, "dist/.elsewhere-"));
  try {
    const parts = "package.json tsconfig.json build.ts packaging src stages node_modules".split(" ");
    expect(Bun.spawnSync(["cp", "-al", ...parts, elsewhere], { cwd: root }).exitCode).toBe(0);
    const command = [process.execPath, "build.ts", "--quiet"];
    const another = Bun.spawn(command, { cwd: elsewhere, stdout: "ignore", stderr: "pipe" });
    const one = await build({ outfile: join(folder, "dist/hikvision-sync") });
    expect({ err: await another.stderr.text(), exit: await another.exited }).toEqual({ err: "", exit: 0 });
    expect(readdirSync(join(folder, "dist"))).toEqual(["hikvision-sync"]);
    const sum = (path: string) => Bun.SHA256.hash(readFileSync(path), "hex");
    expect(sum(join(elsewhere, "dist/hikvision-sync"))).toBe(sum(one));
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});
