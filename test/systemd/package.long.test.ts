import { expect, test } from "bun:test";
import { join } from "node:path";
import { build } from "../../build.ts";
import { makeDeb } from "../../packaging/package.ts";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { needs } from "./needs.ts";

const folder = temporaryFolder();
const lintian = await needs("lintian", "lintian");
const arm64 = "/usr/aarch64-linux-gnu";
const qemu =
  (await needs("qemu-aarch64", "qemu-user")) &&
  (await needs(`${arm64}/lib/ld-linux-aarch64.so.1`, "libc6-arm64-cross"));

function run(command: string[], env: Record<string, string | undefined> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env, cwd: folder });
  return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const built = (target: Bun.Build.CompileTarget) => build({ target, outfile: join(folder, target, "hikvision-sync") });

test.skipIf(!lintian)(
  "the Debian package pleases lintian",
  async () => {
    const deb = await makeDeb({ binary, architecture: "amd64", folder });
    // n.b. It leaves files of its own in TMPDIR.
    const env = { ...process.env, TMPDIR: folder };
    expect(run(["lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning", deb], env).out).toBe("");
  },
  180_000,
);

test.skipIf(process.arch !== "x64")(
  "the amd64 binary needs nothing newer than a processor of 2009",
  async () => {
    const program = await built("bun-linux-x64-baseline");
    expect(run([program, "version"])).toMatchObject({ exit: 0, err: "" });
    if (!Bun.which("qemu-x86_64")) return console.log("SKIPPED an old processor: there is no qemu-x86_64");
    expect(run(["qemu-x86_64", "-cpu", "Nehalem", program, "version"])).toMatchObject({ exit: 0 });
  },
  180_000,
);

test.skipIf(!qemu)(
  "the arm64 binary answers",
  async () => {
    const program = await built("bun-linux-arm64");
    const { exit, out } = run(["qemu-aarch64", "-L", arm64, program, "version"]);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.stringMatching(/^hikvision-sync .* linux arm64\)\n$/) });
  },
  180_000,
);
