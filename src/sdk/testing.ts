/** What a stage's test needs: import it as `hikvision-sync/testing`. */

export { type ConformanceOptions, conformance, type Example } from "./conformance.ts";
export type { Attempted } from "./execute.ts";
export { builtinStage, openTrial, type PassOptions, type Trial, type TrialOptions, type Upstream } from "./sandbox.ts";
