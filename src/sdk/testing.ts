/** What a stage's test needs: import it as `hikvision-sync/testing`. */
import { openSandbox, type SandboxOptions } from "./sandbox.ts";

export { type ConformanceOptions, conformance, type Example } from "./conformance.ts";
export type { Execution } from "./execute.ts";
export {
  builtinStage,
  type ExecuteOptions,
  openSandbox,
  type Sandbox,
  type SandboxOptions,
  type SandboxUpstream,
} from "./sandbox.ts";

/** The name in 0.1 of `openSandbox`, whose `execute` was called `pass`: the tests of a site's stages go on working. */
export async function openTrial(options?: SandboxOptions) {
  const sandbox = await openSandbox(options);
  return { ...sandbox, pass: sandbox.execute };
}
