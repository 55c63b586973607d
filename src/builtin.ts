import { existsSync } from "node:fs";
import applyAccess from "../stages/apply-access.ts";
import assignPrivilege from "../stages/assign-privilege.ts";
import createPerson from "../stages/create-person.ts";
import induction from "../stages/induction.ts";
import publisher from "../stages/publisher.ts";
import updateKib from "../stages/update-kib.ts";
import type { Config, LocalConfig } from "./config.ts";
import type { Mask } from "./log.ts";
import { builtIn, type Found, type Placed, placeStages } from "./pipeline/registry.ts";
import { Secret } from "./secret.ts";
import { nameOf, stageFilesIn } from "./stages/files.ts";
import { loadFolder } from "./stages/load.ts";

/** By the name of the file, in the order of their graph. */
export const builtins = {
  induction,
  publisher,
  "create-person": createPerson,
  "update-kib": updateKib,
  "assign-privilege": assignPrivilege,
  "apply-access": applyAccess,
};

export const builtinNames = Object.keys(builtins);

/** The stages whose options the configuration may set, before any of them is loaded. */
export function stageNamesIn(folder: string | undefined): string[] {
  return folder === undefined || !existsSync(folder)
    ? builtinNames
    : [...builtinNames, ...stageFilesIn(folder).map(nameOf)];
}

/** The stages as configured, in the order of their graph; every problem at once, exit 78. Hides their secrets. */
export async function stagesOf({ stages, broker }: Config | LocalConfig, mask?: Mask): Promise<Placed[]> {
  const { folder, disabled, settings } = stages;
  const found = Object.entries(builtins).map(([file, exported]): Found => ({ origin: builtIn, file, exported }));
  if (folder !== undefined) found.push(...(await loadOnce(folder)));
  const placed = placeStages(found, { disabled, settings, prefetch: broker.prefetch });
  for (const { options } of placed) mask?.hide(secretsIn(options));
  return placed;
}

const folders = new Map<string, Promise<Found[]>>();
/** As they were at the start: a reload of the configuration takes up no changed file, and a restart does. */
function loadOnce(folder: string): Promise<Found[]> {
  const loading = folders.get(folder) ?? loadFolder(folder);
  folders.set(folder, loading);
  return loading;
}

/** What `v.secret()` stands for, anywhere in a stage's options. */
export function secretsIn(options: unknown): string[] {
  if (options instanceof Secret) return [options.reveal()];
  return typeof options === "object" && options !== null ? Object.values(options).flatMap(secretsIn) : [];
}
