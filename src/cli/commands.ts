import { defineCommand } from "citty";

/** Each command is a file, loaded only when it is called. */
const commands = {
  serve: () => import("./daily/serve.ts"),
  trigger: () => import("./daily/trigger.ts"),
  check: () => import("./setup/check.ts"),
  doctor: () => import("./setup/doctor.ts"),
  config: () => import("./setup/config.ts"),
  token: () => import("./setup/token.ts"),
  open: () => import("./daily/open.ts"),
  who: () => import("./daily/who.ts"),
  verify: () => import("./daily/verify.ts"),
  stages: () => import("./stages/stages.ts"),
  status: () => import("./daily/status.ts"),
  runs: () => import("./daily/runs.ts"),
  explain: () => import("./trouble/explain.ts"),
  trace: () => import("./trouble/trace.ts"),
  changes: () => import("./trouble/changes.ts"),
  dead: () => import("./trouble/dead.ts"),
  pause: async () => ({ default: (await import("./trouble/pause-resume.ts")).pause }),
  resume: async () => ({ default: (await import("./trouble/pause-resume.ts")).resume }),
  demo: () => import("./demo/demo.ts"),
  simulate: () => import("./demo/simulate.ts"),
  version: () => import("./setup/version.ts"),
};

export const root = defineCommand({
  meta: { name: "hikvision-sync", description: "Makes every inducted Eposh employee a HikCentral person" },
  subCommands: Object.fromEntries(
    Object.entries(commands).map(([name, load]) => [name, async () => (await load()).default]),
  ),
});
