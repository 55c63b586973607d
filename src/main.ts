import { defineCommand } from "citty";
import { exit, fail } from "./cli/exit.ts";
import { runLine } from "./cli/run.ts";

/** A command is a file, loaded when it is asked for. */
const commands = {
  serve: () => import("./cli/daily/serve.ts"),
  trigger: () => import("./cli/daily/trigger.ts"),
  check: () => import("./cli/setup/check.ts"),
  doctor: () => import("./cli/setup/doctor.ts"),
  config: () => import("./cli/setup/config.ts"),
  verify: () => import("./cli/daily/verify.ts"),
  stages: () => import("./cli/stages/stages.ts"),
  status: () => import("./cli/daily/status.ts"),
  runs: () => import("./cli/daily/runs.ts"),
  explain: () => import("./cli/trouble/explain.ts"),
  trace: () => import("./cli/trouble/trace.ts"),
  dead: () => import("./cli/trouble/dead.ts"),
  pause: async () => ({ default: (await import("./cli/trouble/pause-resume.ts")).pause }),
  resume: async () => ({ default: (await import("./cli/trouble/pause-resume.ts")).resume }),
  demo: () => import("./cli/demo/demo.ts"),
  simulate: () => import("./cli/demo/simulate.ts"),
  version: () => import("./cli/setup/version.ts"),
};

export const root = defineCommand({
  meta: { name: "hikvision-sync", description: "Makes every inducted Eposh employee a HikCentral person" },
  subCommands: Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [name, async () => (await load()).default]),
  ),
});

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
