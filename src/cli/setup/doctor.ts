import { defineCommand } from "citty";
import { registeredStages } from "../../app/generation.ts";
import { hiddenCredentials } from "../../doctor/credentials.ts";
import { type Examination, examineSystems, examineThisMachine, type SystemsOptions } from "../../doctor/doctor.ts";
import type { Finding } from "../../doctor/probe.ts";
import { Exit, exits, textOf } from "../../errors.ts";
import { paint } from "../../observability/log.ts";
import { stageNamesIn } from "../../registry/builtin.ts";
import { untilAborted } from "../../util/abort.ts";
import { configArgument, jsonArgument, loadConfig, loadLocalConfig } from "../args.ts";
import { DaemonClient } from "../daemon-client.ts";
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
    const { signal } = stop;
    const { config, warnings, hints } = loadLocalConfig(args, { stageNames: stageNamesIn });
    const { examination, registered } = examineThisMachine(config, () => registeredStages(config, { mask }), signal);
    const asked = await examinationsOf(args, new DaemonClient(config.http.socket), { registered, mask, signal });
    const all: Finding[] = [];
    for (const { system, at, findings } of [examination, ...asked]) {
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

/** By the running daemon, which has the credentials; otherwise as well as this command can, and with what it cannot see. */
async function examinationsOf(
  args: { config?: string | undefined },
  daemon: DaemonClient,
  options: SystemsOptions,
): Promise<Examination[]> {
  const noDaemon = await daemon.missing();
  const about = (state: Finding["state"], text: string): Examination => {
    const findings = Promise.resolve([{ system: "the daemon", probe: "configuration", state, text, ms: 0 }]);
    return { system: "the daemon", at: daemon.socket, findings };
  };
  let why = noDaemon;
  if (noDaemon === undefined) {
    const { status, body } = await untilAborted(daemon.call("POST", "/doctor"), options.signal);
    const answered = body.examinations as (Omit<Examination, "findings"> & { findings: Finding[] })[] | undefined;
    if (status === 200 && answered) {
      const own = about("ok", "the daemon probed what follows with its own configuration, credentials included");
      return [own, ...answered.map((one) => ({ ...one, findings: Promise.resolve(one.findings) }))];
    }
    why = `the daemon cannot be asked: ${body.error ?? `HTTP ${status}`}`;
  }
  const hidden = hiddenCredentials();
  const unseen = `this command cannot see the credentials of the service (${hidden.join(", ")})`;
  try {
    const { config } = loadConfig(args, { stageNames: stageNamesIn });
    const examinations = examineSystems(config, options);
    if (hidden.length === 0 && noDaemon !== undefined) return examinations;
    const seen = "what follows was probed with the configuration that this command sees";
    return [about("unchecked", [why, ...(hidden.length > 0 ? [unseen] : []), seen].join("; ")), ...examinations];
  } catch (error) {
    if (!(error instanceof Exit) || hidden.length === 0) throw error;
    throw new Exit(error.exit, `${textOf(error)}\n${why}, and ${unseen}: start it, and doctor asks the daemon`);
  }
}

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
