import { realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { textOf } from "../errors.ts";
import { aboveProblem, rightsProblem } from "../util/files/rights.ts";
import { placeIn, propertyPattern, stageFilesIn, stageNameOf } from "./files.ts";
import { importBundle } from "./import-bundle.ts";
import { comesBack } from "./import-process.ts";
import { withoutMacros } from "./macros.ts";
import type { StageSource } from "./registry.ts";

export interface LoadOptions {
  /** How long a file may take to be imported (5 s). */
  deadlineMs?: number;
}

/** For the process that tries the import. */
const startMs = 5_000;

/** Every stage of the folder, each with its own problems. Exit 78 only where the folder does not exist. */
export async function loadFolder(folder: string, { deadlineMs = 5_000 }: LoadOptions = {}): Promise<StageSource[]> {
  const files = stageFilesIn(folder);
  const unsafe = rightsProblem(folder) ?? aboveProblem(folder);
  return Promise.all(files.map((file) => load(file, unsafe && `its folder ${unsafe}`, deadlineMs)));
}

async function load(file: string, unsafe: string | undefined, deadlineMs: number): Promise<StageSource> {
  const at = (property?: string) =>
    placeIn(file, ...(property === undefined ? [] : [propertyPattern(property)]), /^export default/m);
  const found = { origin: file, file: stageNameOf(file), at };
  try {
    // Before any of its code runs.
    const problem = unsafe ?? rightsProblem(file);
    if (problem) throw new Refused([`${file}:1: ${problem}`]);
    return { ...found, exported: (await importedFrom(file, deadlineMs)).default };
  } catch (error) {
    const problems =
      error instanceof Refused ? error.problems : [`${file}:1: ${textOf(error)}; fix or remove the file`];
    return { ...found, exported: undefined, problems };
  }
}

class Refused extends Error {
  constructor(readonly problems: string[]) {
    super(problems.join("\n"));
  }
}

/**
 * Bundles the stage with its relative files and imports the bundle as a blob: a module that failed once would stay
 * broken for the life of the process. Throws `Refused` with every problem and its place.
 */
async function importedFrom(file: string, deadlineMs: number): Promise<{ default?: unknown }> {
  const { success, logs, outputs, metafile } = await Bun.build({
    entrypoints: [file],
    target: "bun",
    format: "esm",
    external: ["hikvision-sync"],
    sourcemap: "inline",
    metafile: true,
    plugins: [withoutMacros],
    throw: false,
  });
  const [output] = outputs;
  if (!success || !output) {
    throw new Refused(
      logs.map(({ message, position }) => {
        const place = position ? `${resolve(position.file)}:${position.line}` : `${file}:1`;
        const [text = ""] = message.split(/\. Maybe you need/);
        if (/^Could not resolve/.test(text))
          return `${place}: ${text}; import hikvision-sync, a relative file or a module of Node`;
        return `${place}: ${syntaxError(text)}`;
      }),
    );
  }
  const inputs = Object.keys(metafile?.inputs ?? {}).map((path) => resolve(path));
  // n.b. The file itself may be a link to somewhere else.
  const parts = new Set(inputs.map((path) => realpathSync(path)));
  const folders = new Set([...parts].map((path) => dirname(path)));
  const unsafe = [...parts, ...folders].flatMap((path) => {
    const problem = rightsProblem(path);
    return problem ? [`${path}${parts.has(path) ? ":1" : ""}: imported by ${file}, and it ${problem}`] : [];
  });
  if (unsafe.length > 0) throw new Refused(unsafe);

  const bundle = await output.text();
  if (!(await comesBack(bundle, deadlineMs + startMs)))
    throw new Refused([
      `${file}:1: the import does not come back within ${deadlineMs} ms; it may be in an endless loop`,
    ]);
  const ended = new AbortController();
  const late = sleep(deadlineMs, "late" as const, { signal: ended.signal });
  late.catch(() => {});
  try {
    const imported = await Promise.race([importBundle(bundle), late]);
    if (imported !== "late") return imported;
  } catch (error) {
    throw new Refused([`${placeOf(error, file, inputs)}: the import throws: ${textOf(error).replace(/\.$/, "")}`]);
  } finally {
    ended.abort();
  }
  const place = placeIn(file, /^(?:[\w\s{},=]*=\s*)?await\b/m);
  throw new Refused([`${place}: the import takes longer than ${deadlineMs} ms; move what it awaits into run`]);
}

/** The bundler's own words, with what it found between quotation marks. */
const syntaxError = (text: string) =>
  /^(Unexpected|Expected|Unterminated)/.test(text)
    ? `Syntax error: ${text.replace(/^Unexpected (\S+)$/, 'unexpected "$1"').replace(/^[UE]/, (first) => first.toLowerCase())}`
    : text;

/** Where an error was thrown: the first place in its stack that belongs to the stage, else what its text quotes. */
function placeOf(error: unknown, file: string, inputs: readonly string[]): string {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const [, path = "", line] of stack.matchAll(/([^\s()]+):(\d+):\d+\)?$/gm))
    if (inputs.includes(resolve(path))) return `${resolve(path)}:${line}`;
  const [, quoted] = /['"]([^'"]+)['"]/.exec(textOf(error)) ?? [];
  return placeIn(file, quoted === undefined ? /^[ \t]*throw\b/m : new RegExp(`\\b${RegExp.escape(quoted)}\\b`));
}
