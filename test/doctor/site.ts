import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, run } from "../support/daemon.ts";

export interface Seen {
  system: string;
  probe: string;
  state: string;
  code?: string;
  text: string;
  fix?: string;
}

/** Both simulators, all of them as they should be, and the doctor as an operator calls it. */
export async function startPatient(folder: string, more: Readonly<Record<string, string>> = {}) {
  const simulators = await startSimulators({ people: 20 });
  const env = { ...environmentOf(simulators), STATE_FOLDER: folder, HTTP_PORT: "0", ...more };
  return {
    ...simulators,
    folder,
    env,
    /** What it finds with this in its environment besides. */
    async doctor(changed: Readonly<Record<string, string>> = {}, before: readonly string[] = []) {
      const { exit, out, err } = await run("doctor --json", { ...env, ...changed }, before);
      const { ok, findings } = JSON.parse(out || `{"findings":[],"ok":${JSON.stringify(err)}}`) as {
        ok: boolean;
        findings: Seen[];
      };
      const faults = findings.filter(({ state }) => state === "failed");
      return { exit, ok, out, err, findings, faults, named: faults.map(({ system, code }) => `${system}: ${code}`) };
    },
  };
}
export type Patient = Awaited<ReturnType<typeof startPatient>>;
