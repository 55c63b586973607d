import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporarySdk } from "./archive.ts";
import { tsconfigText } from "./template.ts";

/** Checks the types of these files; every problem as `file:line: text`. */
export async function typeProblems(files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  using sdk = await temporarySdk("compiler/", "types/");
  const { compilerOptions } = JSON.parse(tsconfigText);
  const options = { ...compilerOptions, typeRoots: [join(sdk.folder, "types")], allowJs: true };
  writeFileSync(join(sdk.folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  // This program is itself a Bun, which can run the compiler.
  const command = [
    process.execPath,
    join(sdk.folder, "compiler/_tsc.js"),
    "--project",
    sdk.folder,
    "--pretty",
    "false",
  ];
  const env = { BUN_BE_BUN: "1", TMPDIR: process.env.TMPDIR ?? "" };
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: sdk.folder, env });
  if (exitCode === 0) return [];
  const problems = stdout
    .toString()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) =>
      line.replace(/^(\S.*?)\((\d+),\d+\): error (TS\d+: )/, (_, file, at) => `${resolve(sdk.folder, file)}:${at}: `),
    );
  return problems.length > 0 ? problems : [`the types could not be checked: ${stderr}`];
}
