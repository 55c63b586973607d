import { defineCommand } from "citty";
import { complain, explain, runLine } from "./cli/frame.ts";
import { Exit, exits } from "./errors.ts";

/** A command is a file, loaded when it is asked for. */
const commands = {
  serve: () => import("./cli/serve.ts"),
  trigger: () => import("./cli/trigger.ts"),
  check: () => import("./cli/check.ts"),
  doctor: () => import("./cli/doctor.ts"),
  config: () => import("./cli/config.ts"),
  verify: () => import("./cli/verify.ts"),
  stages: () => import("./cli/stages.ts"),
  status: () => import("./cli/status.ts"),
  runs: () => import("./cli/runs.ts"),
  trace: () => import("./cli/trace.ts"),
  dead: () => import("./cli/dead.ts"),
  pause: () => import("./cli/pause.ts"),
  resume: () => import("./cli/resume.ts"),
  demo: () => import("./cli/demo.ts"),
  simulate: () => import("./cli/simulate.ts"),
  version: () => import("./cli/version.ts"),
};

export const root = defineCommand({
  meta: { name: "hikvision-sync", description: "Makes every inducted Eposh employee a HikCentral person" },
  subCommands: Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [name, async () => (await load()).default]),
  ),
});

function fail(error: unknown): number {
  const text = explain(error);
  if (text !== "") complain(error instanceof Exit ? text : `unexpected: ${text}`);
  return error instanceof Exit ? error.exit : exits.failed;
}

// Elsewhere it is read for the manual.
if (import.meta.main) {
  // Whatever escapes would be printed by the runtime with its source lines, unmasked.
  process.on("uncaughtException", (error) => process.exit(fail(error)));
  process.on("unhandledRejection", (error) => process.exit(fail(error)));
  // Until serve knows what to do with it, it must not end the daemon.
  if (process.argv[2] === "serve") process.on("SIGHUP", () => {});
  // A reader that went away, as `head` does, is no failure.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});

  // Not process.exit: what is still on its way into a pipe would be lost.
  process.exitCode = await runLine(root, process.argv.slice(2)).catch(fail);
}
