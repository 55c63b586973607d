import { statSync } from "node:fs";
import { join } from "node:path";
import { registeredStages } from "../app/generation.ts";
import { brokerMissing } from "../app/startup.ts";
import { lockState } from "../app/state-lock.ts";
import { KnownQueues } from "../broker/known-queues.ts";
import { openBroker } from "../broker/open.ts";
import type { LocalConfig } from "../config/load.ts";
import { Exit, exits } from "../errors.ts";
import { operatorRoutes } from "../http/operator-routes.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Operator } from "../operator/operator.ts";
import { PausedStages } from "../operator/paused-stages.ts";
import { stageNamesIn } from "../registry/builtin.ts";
import { followedOf, leavesOf } from "../registry/registry.ts";
import { visible, visibleIn } from "../util/text/visible.ts";
import { loadLocalConfig } from "./args.ts";
import { type Answer, DaemonClient, howToStart } from "./daemon-client.ts";
import { mask, printError } from "./output.ts";

type Call = (method: "GET" | "POST", path: string, body?: unknown) => Promise<Answer>;

/** What answers a command: the running daemon, or the state folder of one that has ended. */
export interface OperatorClient extends AsyncDisposable {
  readonly isDaemon: boolean;
  /** The body of a successful answer, as it can be shown; otherwise an Exit with the answer's text. */
  ask<Body>(method: "GET" | "POST", path: string, body?: unknown): Promise<Body>;
  /** In the site's time zone, to the second. */
  time(at: string | Date): string;
}

const brokerWithinMs = 10_000;

export async function openOperatorClient(args: {
  config?: string | undefined;
  /** JSON has escapes of its own for what would be invisible. */
  json?: boolean | undefined;
}): Promise<OperatorClient> {
  const { config } = loadLocalConfig(args, { stageNames: stageNamesIn });
  await using opened = new AsyncDisposableStack();
  const daemon = new DaemonClient(config.http.socket);
  const noDaemon = await daemon.missing();
  const call: Call =
    noDaemon === undefined ? (...words) => daemon.call(...words) : await openFolder(config, noDaemon, opened);
  const open = opened.move();
  return {
    isDaemon: noDaemon === undefined,
    async ask<Body>(method: "GET" | "POST", path: string, body?: unknown) {
      const answer = await call(method, path, body);
      if (answer.status < 400) return (args.json ? answer.body : visibleIn(answer.body)) as Body;
      const exit = { 400: exits.usage, 503: exits.unavailable }[answer.status] ?? exits.failed;
      throw new Exit(exit, visible(String(answer.body.error)));
    },
    time: (at) => new Date(at).toLocaleString("sv-SE", { timeZone: daemon.timeZone ?? config.site.timeZone }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Serves the daemon's own routes from the state folder, which is locked meanwhile and never created. */
async function openFolder(config: LocalConfig, noDaemon: string, opened: AsyncDisposableStack): Promise<Call> {
  const { folder, keepDays } = config.state;
  becomeOwner(folder, noDaemon);
  opened.use(lockState(folder));
  const ledger = opened.use(new Ledger({ folder, keepDays, say: printError }));
  const broker = opened.use(await openBroker(config));
  const missing = await brokerMissing(broker, brokerWithinMs, new AbortController().signal);
  if (missing) throw new Exit(exits.unavailable, missing);
  const registered = await registeredStages(config, { mask });
  ledger.leaves = leavesOf(registered);
  ledger.cases.followed = followedOf(registered);
  const { names } = new KnownQueues(folder, printError);
  const queues = () => names;
  const operator = new Operator({ broker, ledger, registered, paused: new PausedStages(folder), queues, mask });
  printError(`no daemon answers; reading the saved state in ${folder} and ${broker.label}`);
  const app = operatorRoutes(operator);
  return async (method, path, body) => {
    const answer = await app.request(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    return { status: answer.status, body: (await answer.json()) as Answer["body"] };
  };
}

/** As root, becomes the owner of the folder, so that new files belong to the service. Exit 69 where no state is readable. */
function becomeOwner(folder: string, noDaemon: string): void {
  try {
    const { uid, gid } = statSync(join(folder, "ledger.db"));
    if (process.geteuid?.() !== 0) return;
    process.setegid?.(gid);
    process.seteuid?.(uid);
  } catch (cause) {
    const isRefused = (cause as NodeJS.ErrnoException).code === "EACCES";
    const left = isRefused
      ? `and this user may not read the saved state in ${folder}: use sudo`
      : `and no saved state was found in ${folder} (state.folder). ${howToStart}`;
    throw new Exit(exits.unavailable, `${noDaemon}, ${left}`, { cause });
  }
}
