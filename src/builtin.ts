import applyAccess from "../stages/apply-access.ts";
import assignPrivilege from "../stages/assign-privilege.ts";
import createPerson from "../stages/create-person.ts";
import induction from "../stages/induction.ts";
import publisher from "../stages/publisher.ts";
import updateKib from "../stages/update-kib.ts";
import type { Config, LocalConfig } from "./config.ts";
import { type Found, type Placed, placeStages } from "./pipeline/registry.ts";

const stages = {
  induction,
  publisher,
  "create-person": createPerson,
  "update-kib": updateKib,
  "assign-privilege": assignPrivilege,
  "apply-access": applyAccess,
};

export const builtinNames = Object.keys(stages);

/** The stages as configured, in the order of their graph; every problem at once, exit 78. */
export function stagesOf({ stages: settings, broker }: Config | LocalConfig): Placed[] {
  const found: Found[] = Object.entries(stages).map(([file, exported]) => ({
    origin: "built in",
    file,
    exported,
  }));
  return placeStages(found, {
    disabled: settings.disabled,
    settings: settings.settings,
    prefetch: broker.prefetch,
  });
}
