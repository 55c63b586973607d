import { defineCommand } from "citty";
import { complain, exit, explain, runLine } from "./cli/frame.ts";
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
  const stack = (error instanceof Error && error.stack) || "";
  const [, place] = /^ +at .*?([^\s()]+\.[tj]s:\d+)/m.exec(stack) ?? [];
  const where = place && text !== stack ? ` (${place})` : "";
  if (text !== "") complain(error instanceof Exit ? text : `unexpected: ${text}${where}`);
  return error instanceof Exit ? error.exit : exits.failed;
}

// Elsewhere it is read for the manual.
if (import.meta.main) {
  // Whatever escapes would be printed by the runtime with its source lines, unmasked.
  process.on("uncaughtException", (error) => exit(fail(error)));
  process.on("unhandledRejection", (error) => exit(fail(error)));
  // Until serve knows what to do with it, it must not end the daemon.
  if (process.argv[2] === "serve") process.on("SIGHUP", () => {});
  // A reader that went away, as `head` does, is no failure.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});

  // n.b. The runtime would send even calls to this machine through HTTP_PROXY. Of the two spellings this one counts.
  const { no_proxy: direct = process.env.NO_PROXY } = process.env;
  process.env.no_proxy = [direct, "127.0.0.1", "localhost", "::1"].filter(Boolean).join(",");

  const code = await runLine(root, process.argv.slice(2)).catch(fail);
  // A timer or a listener that a stage left keeps nothing from ending. n.b. Only `end` waits for the reader of a pipe.
  process.stdout.end(() => process.stderr.end(() => exit(code)));
}
