import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Exit, exits } from "../errors.ts";
import { closest } from "../util/closest.ts";
import { visible } from "../util/text/visible.ts";
import { defaultRegionals, sections } from "./schema.ts";

export type Source = "file" | "environment" | "credentials" | "default";
/** `hikcentral.app_key` → what was written, and where. */
export type Values = Map<string, { value: unknown; source: Source }>;

const outside = (key: string) => key.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
/** The name that people write → section and key as the program knows them. */
export const names = new Map<string, readonly [section: string, key: string]>();
for (const [section, { entries }] of Object.entries(sections))
  for (const key of Object.keys(entries)) names.set(`${section}.${outside(key)}`, [section, key]);

/** `hikcentral.app_key` is HIKCENTRAL_APP_KEY, `regionals.zona-i` is REGIONALS_ZONA_I. */
export const variableOf = (name: string) => name.replaceAll(/[.-]/g, "_").toUpperCase();

/** Where people find what set a value: the path of the file, the variable, or the credential. */
export const placeOf = (name: string, source: Source, file: string | undefined): string =>
  ({
    default: "default",
    file: file ?? "file",
    environment: name === "state.folder" ? "environment" : variableOf(name),
    credentials: `credential ${variableOf(name).toLowerCase()}`,
  })[source];

const variables = new Map([...names.keys()].map((name) => [variableOf(name), name]));

const isTable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `__proto__`, `constructor` and the like: every object has them, so as a key they would mean something else. */
const isInherited = (key: string) => key in {};

/** The stages whose options may be set: as a list, or as what is in stages.folder. */
export type StageNames = readonly string[] | ((folder: string | undefined) => readonly string[]);

/** File, environment and credentials, each over the one before, and what is unknown in them. */
export function collect(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  stageNames: StageNames = [],
) {
  const values: Values = new Map();
  const problems: string[] = [];
  const hints: string[] = [];
  const stages = new Set<string>();

  const unknown = (name: string, where: string) => {
    const like = closest(name, [...names.keys()]);
    problems.push(`unknown key ${name} ${where}${like ? `: did you mean ${like}?` : ""}`);
  };
  /** If one variable has two spellings, that of the file stays. An empty value counts as not set, and removes a regional. */
  const put = (name: string, value: unknown, source: Source) => {
    if (name.split(".").some(isInherited)) return unknown(name, `in the ${source}`);
    const before = [...values.keys()].find((other) => variableOf(other) === variableOf(name)) ?? name;
    if (value === "" && !name.startsWith("regionals.")) return;
    values.delete(before);
    if (value !== "") values.set(source === "file" ? name : before, { value, source });
  };
  for (const [slug, id] of defaultRegionals) put(`regionals.${slug}`, id, "default");

  for (const [section, table] of Object.entries(file === undefined ? {} : readToml(file))) {
    if (!isTable(table)) unknown(section, "outside a section");
    else
      for (const [key, value] of Object.entries(table)) {
        const name = `${section}.${key}`;
        if (isInherited(key)) unknown(name, "in the file");
        else if (section === "stages" && isTable(value)) {
          stages.add(key);
          for (const [option, inner] of Object.entries(value)) put(`${name}.${option}`, inner, "file");
        } else if (section === "regionals" || names.has(name)) put(name, value, "file");
        else unknown(name, "in the file");
      }
  }

  const folder = env.STAGES_FOLDER || values.get("stages.folder")?.value;
  const known = typeof stageNames === "function" ? stageNames(folder ? String(folder) : undefined) : stageNames;
  const longestFirst = [...stages, ...known].sort((a, b) => b.length - a.length);
  const keyFor = (variable: string): string | undefined => {
    const stage = longestFirst.find((name) => variable.startsWith(`STAGES_${variableOf(name)}_`));
    if (stage) return `stages.${stage}.${variable.slice(`STAGES_${stage}_`.length).toLowerCase()}`;
    const [, slug] = /^REGIONALS_(.+)$/.exec(variable) ?? [];
    return slug ? `regionals.${slug.toLowerCase().replaceAll("_", "-")}` : variables.get(variable);
  };
  for (const [variable, value = ""] of Object.entries(env)) {
    const name = keyFor(variable);
    const like = name ? undefined : closest(variable, [...variables.keys()]);
    if (name) put(name, value, "environment");
    else if (like) hints.push(`${variable} in the environment is not read: did you mean ${like}?`);
  }
  const credentials = env.CREDENTIALS_DIRECTORY;
  for (const credential of credentials ? reading(credentials, () => readdirSync(credentials)) : []) {
    const path = join(credentials ?? "", credential);
    const name = keyFor(credential.toUpperCase());
    if (name) put(name, reading(path, () => readFileSync(path, "utf8")).replace(/\r?\n$/, ""), "credentials");
    else unknown(credential, "in the credentials");
  }
  return { values, problems, hints };
}

const maxFileBytes = 1 << 20;

function readToml(path: string): object {
  const file = visible(path);
  const parse = (text: string) => {
    try {
      return Bun.TOML.parse(text);
    } catch {}
  };
  const text = reading(path, () => {
    const stats = statSync(path);
    // A device or a pipe may have no end.
    if (!stats.isFile())
      throw new Exit(exits.config, `${file} is not a regular file: give the path of a configuration file`);
    if (stats.size > maxFileBytes)
      throw new Exit(exits.config, `${file} is larger than 1 MB: it is no configuration file`);
    return readFileSync(path, "utf8");
  });
  const tables = parse(text);
  // Bare dates come as Temporal objects; JSON makes them texts.
  if (tables) return JSON.parse(JSON.stringify(tables));
  // The parser gives no line, and its error quotes what it read, which may be a secret.
  const good = text.split("\n").findLastIndex((_, index, lines) => parse(lines.slice(0, index).join("\n")));
  throw new Exit(exits.config, `${file} is not valid TOML: check line ${good + 1}`);
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Exit) throw cause;
    const reason = cause instanceof Error && "code" in cause ? cause.code : "unreadable";
    throw new Exit(exits.config, `${visible(path)} cannot be read (${reason}): check the path and its permissions`, {
      cause,
    });
  }
}
