import { run } from "../support/binary.ts";
import type { Site } from "../support/site.ts";

export interface Finding {
  system: string;
  probe: string;
  state: string;
  code?: string;
  text: string;
  fix?: string;
}

/** What the doctor finds at a site with this in its environment besides; `enter` is what it must begin with. */
export async function doctor({ env }: Site, changes: Readonly<Record<string, string>> = {}, enter?: readonly string[]) {
  const { exit, out, err } = await run("doctor --json", { ...env, ...changes }, enter);
  const { ok, findings } = JSON.parse(out || `{"findings":[],"ok":${JSON.stringify(err)}}`) as {
    ok: boolean;
    findings: Finding[];
  };
  const faults = findings.filter(({ state }) => state === "failed");
  return { exit, ok, out, err, findings, faults, named: faults.map(({ system, code }) => `${system}: ${code}`) };
}
