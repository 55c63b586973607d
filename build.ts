import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { version } from "./package.json";
import { makeSdkArchive } from "./packaging/sdk-archive.ts";

const root = import.meta.dir;

export interface BuildOptions {
  /** A target of Bun, e.g. bun-linux-arm64; unless given, this machine's. */
  target?: Bun.Build.CompileTarget;
  outfile?: string;
}

/** Compiles the program into one executable; two builds of one commit are identical. Throws what the compiler said. */
export async function build({ target, outfile = join(root, "dist/hikvision-sync") }: BuildOptions = {}) {
  const out = resolve(outfile);
  await Bun.$`mkdir -p ${dirname(out)}`.quiet();
  const folder = mkdtempSync(join(dirname(out), ".build-"));
  try {
    // The name of the file is part of its bytes, so only the folder differs until the binary was tried out.
    const fresh = join(folder, basename(out));
    const { success, logs } = await Bun.build({
      entrypoints: [join(root, "src/main.ts")],
      plugins: [withSdk(await makeSdkArchive()), withoutUnused],
      compile: {
        outfile: fresh,
        ...(target ? { target } : {}),
        // What runs at a start runs once: compiling it to machine code costs more than it gives. main.ts ends it, and in
        // the daemon its first message.
        jitPolicy: 40,
        // The program must not read configuration of Bun from the working directory.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
      define: commit() ? { BUILD_COMMIT: JSON.stringify(commit()) } : {},
      minify: true,
      // What a command does not import is not read at its start.
      splitting: true,
      sourcemap: "linked",
      // n.b. Bytecode without format esm builds without an error, but the binary dies at its start.
      bytecode: true,
      // What is nested deeper is compiled when it is first called: 0.6 MB less, and no later start.
      bytecodeDepth: 2,
      format: "esm",
      throw: false,
    });
    if (!success || logs.length > 0) throw new Error(`the build failed:\n${logs.map(String).join("\n")}`);
    if (!target) await tryOut(fresh);
    renameSync(fresh, out);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return out;
}

/** Puts the finished archive in place of the module that would make it. */
function withSdk(sdk: Uint8Array): Bun.BunPlugin {
  // The path is part of the bytes of the binary: it must not depend on where the repository is.
  const file = join(root, "node_modules/.cache/hikvision-sync/sdk.zst");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, sdk);
  const contents = `
    import path from "../../node_modules/.cache/hikvision-sync/sdk.zst" with { type: "file" };
    export const sdkBytes = () => Bun.file(path).bytes();`;
  return {
    name: "sdk",
    setup: (builder) =>
      void builder.onLoad({ filter: /src\/sdk\/archive-bytes\.ts$/ }, () => ({ contents, loader: "ts" })),
  };
}

/** prom-client loads these at each start, with node:cluster, node:http and tdigest; nothing here uses them. */
const withoutUnused: Bun.BunPlugin = {
  name: "without unused",
  setup: (builder) =>
    void builder.onLoad({ filter: /prom-client\/lib\/(cluster|defaultMetrics|pushgateway|summary)\.js$/ }, () => ({
      contents: "module.exports = {};",
      loader: "js",
    })),
};

/** Starts the new binary once: it can be built and still not start. */
async function tryOut(binary: string): Promise<void> {
  const { exitCode, stdout, stderr } = Bun.spawnSync([binary, "version"], { env: {}, cwd: dirname(binary) });
  if (exitCode !== 0 || !stdout.toString().startsWith(`hikvision-sync ${version} `))
    throw new Error(`the binary was built but does not start (exit ${exitCode}): ${stderr}`);
}

/** Undefined outside a repository, as in an unpacked tarball. */
function commit(): string | undefined {
  try {
    const { exitCode, stdout } = Bun.spawnSync(["git", "rev-parse", "--short=12", "HEAD"], { cwd: root });
    return exitCode === 0 ? stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const isQuiet = process.argv.includes("--quiet");
  if (isQuiet && process.stderr.isTTY) console.error("Building dist/hikvision-sync …");
  try {
    // n.b. A plain build goes without what packages need, e.g. the lock file.
    const isPackage = process.argv.includes("--package");
    const made = isPackage
      ? await (await import("./packaging/package.ts")).makePackages(join(root, "dist"), build)
      : [await build()];
    for (const out of isQuiet ? [] : made) console.log(`${out} (${(Bun.file(out).size / 1e6).toFixed(0)} MB)`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
