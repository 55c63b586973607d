import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dir, "..");
const modules = join(root, "node_modules");

/** Declarations of what stages and their tests import, as packages in one folder (`typeRoots`). */
const packages = {
  bun: "@types/bun",
  "bun-types": "bun-types",
  node: "@types/node",
  "undici-types": "undici-types",
};

/** What stages and their tests import of this program. */
const entries = { index: "src/stage", testing: "src/sdk/testing" };

/**
 * Files that stage authors need beside the program, by their path: `types` for an editor, a compiler in JavaScript for
 * the check, and this program's modules for tests. Packed; the same bytes each time.
 */
export async function makeSdkArchive(): Promise<Uint8Array> {
  const files: [path: string, text: string][] = [];
  const take = (to: string, from: string, wanted: RegExp) => {
    for (const path of readdirSync(from, { recursive: true, encoding: "utf8" }))
      if (wanted.test(path)) files.push([join(to, path), readFileSync(join(from, path), "utf8")]);
  };
  for (const [name, from] of Object.entries(packages))
    take(`types/${name}`, join(modules, from), /^(?!docs).*\.d\.ts$|^package\.json$|^LICENSE[^/]*$/);
  take("types/valibot", join(modules, "valibot"), /^LICENSE[^/]*$/);
  files.push(["types/valibot/index.d.ts", readFileSync(join(modules, "valibot/dist/index.d.mts"), "utf8")]);
  // Of the compiler's own declarations none that only a browser has.
  take("compiler", join(modules, "typescript-js/lib"), /^(_tsc\.js|lib\.(?!dom|webworker|scripthost).*\.d\.ts)$/);
  take("compiler", join(modules, "typescript-js"), /^(LICENSE|ThirdParty)[^/]*$/);
  for (const [path, text] of declarations()) files.push([join("types/hikvision-sync", path), text]);
  files.push(["sdk.js", await bundle()]);
  files.sort(([a], [b]) => (a < b ? -1 : 1));
  return Bun.zstdCompressSync(Buffer.from(JSON.stringify(Object.fromEntries(files))), { level: 12 });
}

/** The stages of a site give their failures codes of their own: for them any string is one. */
const made: Readonly<Record<string, string>> = {
  "src/errors/codes.d.ts": "export type FailureCode = string;\n",
};

/** The declarations of the two modules that stages and their tests import, and of what those need. */
function declarations(): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-sdk-"));
  try {
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: { rootDir: root, typeRoots: [join(modules, "@types")], noEmit: false, noCheck: true },
      include: [],
      files: Object.values(entries).map((entry) => join(root, `${entry}.ts`)),
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    const flags = ["--declaration", "--emitDeclarationOnly", "--outDir", folder, "--project", folder];
    const { exitCode, stdout } = Bun.spawnSync([join(modules, ".bin/tsc"), ...flags]);
    if (exitCode !== 0) throw new Error(`the declarations could not be made:\n${stdout}`);
    const needed = new Map<string, string>();
    const need = (path: string) => {
      if (needed.has(path)) return;
      const text = made[path] ?? readFileSync(join(folder, path), "utf8");
      needed.set(path, text);
      for (const [, other = ""] of text.matchAll(/["'](\.[^"'\n]+)\.ts["']/g))
        need(`${join(dirname(path), other)}.d.ts`);
    };
    for (const entry of Object.values(entries)) need(`${entry}.d.ts`);
    for (const [name, entry] of Object.entries(entries)) needed.set(`${name}.d.ts`, `export * from "./${entry}.ts";\n`);
    return needed;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function bundle(): Promise<string> {
  const { success, logs, outputs } = await Bun.build({
    entrypoints: [join(root, "src/sdk/preload.ts")],
    target: "bun",
    format: "esm",
    // Not minified: a failing conformance test shows these lines to the author.
    throw: false,
  });
  const [output] = outputs;
  if (!success || !output || logs.length > 0)
    throw new Error(`the sdk could not be built:\n${logs.map(String).join("\n")}`);
  return output.text();
}

if (import.meta.main) await Bun.write(Bun.stdout, await makeSdkArchive());
