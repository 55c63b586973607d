import type { Action } from "./action.ts";
import { drop, replay } from "./cases.ts";
import { decide } from "./decide.ts";
import { examine } from "./examine.ts";
import { cancel, start, sync } from "./runs.ts";
import { pause, resume } from "./stages.ts";

/** By the last word of their address. */
export const actions: Readonly<Record<string, Action>> = {
  cancel,
  decide,
  drop,
  examine,
  pause,
  replay,
  resume,
  start,
  sync,
};
