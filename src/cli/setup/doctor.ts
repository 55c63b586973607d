import { defineCommand } from "citty";
import { registeredStages } from "../../app/generation.ts";
import { hiddenCredentials } from "../../doctor/credentials.ts";
import { examineSystems, examineThisMachine, type SystemsOptions } from "../../doctor/doctor.ts";
import { Exit, exits, textOf } from "../../errors.ts";
import { paint } from "../../observability/log.ts";
import type { Examination, Examined, Finding } from "../../operator/examination.ts";
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
    // Each is shown once it is done: one that hangs keeps nobody from reading the others.
    const looking = [examination, ...asked].map(async ({ system, at, findings }) => {
      const found = await findings;
      if (!args.json) print(`${paint(bold, system)}${paint(dim, `  ${at}`)}\n${findingsText(found)}`);
      return found;
    });
    const all = (
      await Promise.all(looking).catch((thrown) => {
        throw signal.aborted ? new Exit(exits.failed, "stopped before all probes were done") : thrown;
      })
    ).flat();
    const failed = all.filter(({ state }) => state === "failed").length;
    if (args.json) printJson({ ok: failed === 0, findings: all });
    else print(`\n${summaryOf(all)}`);
    for (const text of [...warnings, ...hints]) if (!args.json) printError(`warning: ${text}`);
    return failed === 0 ? exits.ok : exits.unavailable;
  },
});

type Looked = Pick<Examination, "system" | "at" | "findings">;

/** By the running daemon, which has the credentials; otherwise as well as this command can, and with what it cannot see. */
async function examinationsOf(
  args: { config?: string | undefined },
  daemon: DaemonClient,
  options: SystemsOptions,
): Promise<Looked[]> {
  const noDaemon = await daemon.missing();
  const about = (state: Finding["state"], text: string): Looked => {
    const findings = Promise.resolve([{ system: "the daemon", probe: "configuration", state, text, ms: 0 }]);
    return { system: "the daemon", at: daemon.socket, findings };
  };
  let why = noDaemon;
  if (noDaemon === undefined) {
    const { status, body } = await untilAborted(daemon.call("POST", "/doctor"), options.signal);
    const answered = body.examinations as Examined[] | undefined;
    if (status === 200 && answered) {
      const own = about("ok", "the daemon probed what follows with its own configuration, credentials included");
      return [own, ...untilDone(answered, daemon, options.signal)];
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

/** The daemon answers soon with what it knows by then, and is asked again until no probe is left to wait for. */
function untilDone(first: readonly Examined[], daemon: DaemonClient, signal: AbortSignal): Looked[] {
  const found = first.map(() => Promise.withResolvers<readonly Finding[]>());
  const follow = async () => {
    for (let answered = first; ; ) {
      for (const [at, { isDone, findings }] of answered.entries()) if (isDone) found[at]?.resolve(findings);
      const open = answered.filter(({ isDone }) => !isDone);
      if (open.length === 0) return;
      if (answered === first) printError(`waiting for ${open.map(waitsFor).join("; ")}`);
      const { status, body } = await untilAborted(daemon.call("GET", "/doctor"), signal);
      if (status !== 200) throw new Exit(exits.unavailable, `the daemon cannot be asked: ${body.error}`);
      answered = body.examinations as Examined[];
    }
  };
  follow().catch((error: unknown) => {
    for (const { reject } of found) reject(error);
  });
  return first.map(({ system, at }, index) => ({ system, at, findings: found[index]?.promise ?? Promise.resolve([]) }));
}

const waitsFor = ({ system, findings }: Examined) =>
  findings
    .filter(({ state }) => state === "waiting")
    .map(({ probe, text }) => `${system}, ${probe} (${text})`)
    .join("; ") || system;

const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33] as const;
const marks = {
  ok: paint(green, "✓"),
  failed: paint(red, "✗"),
  unchecked: paint(yellow, "?"),
  skipped: "·",
  waiting: "…",
};

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
  return `  ${marks[state]} ${probe.padEnd(17)} ${said}${fix === undefined ? "" : `${indent}→ ${fix}`}`;
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
