import { defineCommand } from "citty";
import { registeredStages } from "../../app/generation.ts";
import { examineAll } from "../../doctor/doctor.ts";
import type { Finding } from "../../doctor/probe.ts";
import { Exit, exits } from "../../errors.ts";
import { createLog, paint } from "../../observability/log.ts";
import { stageNamesIn } from "../../registry/builtin.ts";
import { configArgument, jsonArgument, loadConfig } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { mask, print, printError, printJson } from "../output.ts";

export default defineCommand({
  meta: {
    name: "doctor",
    description: "Probe what a run needs, and suggest fixes; read-only",
  },
  args: { ...configArgument, ...jsonArgument },
  async run({ args }) {
    using stop = untilStopped();
    const { config, warnings, hints } = loadConfig(args, { stageNames: stageNamesIn });
    const log = createLog({ level: "error", mask, write: (text) => process.stderr.write(text) });
    const load = () => registeredStages(config, { mask });
    const all: Finding[] = [];
    for (const { system, at, findings } of examineAll(config, { log, load, signal: stop.signal })) {
      if (!args.json) print(paint(bold, system) + paint(dim, `  ${at}`));
      const found = await findings.catch((thrown) => {
        throw stop.signal.aborted ? new Exit(exits.failed, "stopped before all probes were done") : thrown;
      });
      all.push(...found);
      if (!args.json) print(findingsText(found));
    }
    const failed = all.filter(({ state }) => state === "failed").length;
    if (args.json) printJson({ ok: failed === 0, findings: all });
    else print(`\n${summaryOf(all)}`);
    for (const text of [...warnings, ...hints]) if (!args.json) printError(`warning: ${text}`);
    return failed === 0 ? exits.ok : exits.unavailable;
  },
});

const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33] as const;
const marks = { ok: paint(green, "✓"), failed: paint(red, "✗"), unchecked: paint(yellow, "?"), skipped: "·" };

/** A line for each probe; those that were skipped share one. */
function findingsText(findings: readonly Finding[]): string {
  const skipped = findings.flatMap(({ state, probe }) => (state === "skipped" ? [probe] : []));
  const looked = findings.filter(({ state }) => state !== "skipped").map(linesOf);
  return [...looked, ...(skipped.length > 0 ? [paint(dim, `  · skipped            ${skipped.join(", ")}`)] : [])].join(
    "\n",
  );
}

function linesOf({ state, probe, text, fix }: Finding): string {
  const indent = `\n${" ".repeat(22)}`;
  const said = (state === "failed" ? paint(red, text) : text).replaceAll("\n", indent);
  return `  ${marks[state]} ${probe.padEnd(18)}${said}${fix === undefined ? "" : `${indent}→ ${fix}`}`;
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((one) => one.state === state).length;
  const parts = (["failed", "unchecked", "skipped"] as const).flatMap((state) =>
    count(state) > 0 ? [`${count(state)} ${state}`] : [],
  );
  if (parts.length === 0) return paint(green, `all ${findings.length} probes passed`);
  const text = `${count("ok")} of ${findings.length} probes passed, ${parts.join(", ")}`;
  return count("failed") > 0 ? paint(red, text) : paint(yellow, text);
}
