import { defineCommand } from "citty";
import { exit, fail } from "./cli/exit.ts";
import { runLine } from "./cli/run.ts";
import { decoderWord } from "./upstreams/decoder/decoder.ts";

/** Each command is a file, loaded only when it is called. */
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

// Imported, not run: packaging reads the commands for the manual.
if (import.meta.main) {
  if (process.argv[2] === decoderWord) await (await import("./upstreams/decoder/decoder-process.ts")).decodePhotos();

  // Otherwise the runtime would print an uncaught error unmasked, with source lines.
  process.on("uncaughtException", (error) => exit(fail(error)));
  process.on("unhandledRejection", (error) => exit(fail(error)));
  // SIGHUP must not end the daemon before `serve` listens for it.
  if (process.argv[2] === "serve") process.on("SIGHUP", () => {});
  // A closed pipe, e.g. by `head`, is not an error.
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});

  // n.b. The runtime sends even loopback calls through HTTP_PROXY. The lower-case spelling wins over NO_PROXY.
  const { no_proxy: direct = process.env.NO_PROXY } = process.env;
  process.env.no_proxy = [direct, "127.0.0.1", "localhost", "::1"].filter(Boolean).join(",");

  const code = await runLine(root, process.argv.slice(2)).catch(fail);
  // A timer or listener that a stage left behind must not keep the process alive. n.b. Only `end` flushes to a pipe.
  process.stdout.end(() => process.stderr.end(() => exit(code)));
}
