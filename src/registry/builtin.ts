import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import applyAccess from "../../stages/apply-access.ts";
import assignPrivilege from "../../stages/assign-privilege.ts";
import createPerson from "../../stages/create-person.ts";
import face from "../../stages/face.ts";
import induction from "../../stages/induction.ts";
import kib from "../../stages/kib.ts";
import publisher from "../../stages/publisher.ts";
import updateKib from "../../stages/update-kib.ts";
import type { Config, LocalConfig } from "../config/load.ts";
import { Secret } from "../config/secret.ts";
import type { Mask } from "../observability/mask.ts";
import { isSource, stageFilesIn, stageNameOf } from "./files.ts";
import { loadFolder } from "./loader.ts";
import { builtIn, type RegisteredStage, registerStages, type StageSource } from "./registry.ts";

/** By the name of the file, in the order of their graph. */
export const builtins = {
  induction,
  publisher,
  "create-person": createPerson,
  face,
  "update-kib": updateKib,
  kib,
  "assign-privilege": assignPrivilege,
  "apply-access": applyAccess,
};

/** Of a command that reads no settings of HikCentral, and runs no stage. */
const defaultCallsAtATime = 2;

export const builtinNames = Object.keys(builtins);

/** The stages whose options the configuration may set, before any of them is loaded. */
export function stageNamesIn(folder: string | undefined): string[] {
  return folder === undefined || !existsSync(folder)
    ? builtinNames
    : [...builtinNames, ...stageFilesIn(folder).map(stageNameOf)];
}

/** The stages as configured, in the order of their graph. Exit 78 names every problem. Their secrets are masked. */
export async function loadStages(config: Config | LocalConfig, mask?: Mask): Promise<RegisteredStage[]> {
  const { stages, broker } = config;
  const { folder, disabled, settings } = stages;
  const found = Object.entries(builtins).map(([file, exported]): StageSource => ({ origin: builtIn, file, exported }));
  if (folder !== undefined) found.push(...(await loadOnce(folder)));
  const registered = registerStages(found, {
    disabled,
    settings,
    prefetch: broker.prefetch,
    callsAtATime: "hikcentral" in config ? config.hikcentral.concurrency : defaultCallsAtATime,
  });
  for (const { options } of registered) mask?.hide(secretsIn(options));
  return registered;
}

const folders = new Map<string, { found: Promise<StageSource[]>; marks: Map<string, string> }>();
/** As they were at the start: a changed file is applied by a restart, not by a reload of the configuration. */
function loadOnce(folder: string): Promise<StageSource[]> {
  const loaded = folders.get(folder) ?? { marks: marksOf(folder), found: loadFolder(folder) };
  folders.set(folder, loaded);
  return loaded.found;
}

/** Files of stages that were changed, added or removed since they were loaded. */
export function changedSince(folder: string | undefined): string[] {
  const before = folder === undefined ? undefined : folders.get(folder)?.marks;
  if (folder === undefined || !before) return [];
  const now = marksOf(folder);
  return [...new Set([...before.keys(), ...now.keys()])].filter((file) => before.get(file) !== now.get(file)).sort();
}

/** When each file was written, including the folders below, which hold what stages import. */
function marksOf(folder: string): Map<string, string> {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  const paths = files.flatMap((one) => (one.isFile() && isSource(one.name) ? [join(one.parentPath, one.name)] : []));
  return new Map(paths.map((path) => [path, `${statSync(path).mtimeMs} ${statSync(path).size}`]));
}

/** The values of every `v.secret()` in the options of a stage. */
export function secretsIn(options: unknown): string[] {
  if (options instanceof Secret) return [options.reveal()];
  return typeof options === "object" && options !== null ? Object.values(options).flatMap(secretsIn) : [];
}
