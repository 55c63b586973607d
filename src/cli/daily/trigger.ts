import { defineCommand } from "citty";
import { parseDuration } from "../../config/dates.ts";
import { Exit, exits } from "../../errors.ts";
import { noEmployees } from "../../http/induction-route.ts";
import type { RunView } from "../../ledger/runs.ts";
import { visible } from "../../util/text/visible.ts";
import { configArgument, loadLocalConfig, numberOf } from "../args.ts";
import { DaemonClient, withoutFace } from "../daemon-client.ts";
import { untilStopped } from "../exit.ts";
import { fitted, Progress, print, printError } from "../output.ts";

const startMs = 3_000;

const list = (text: string) => text.split(",").map((part) => part.trim());

export default defineCommand({
  meta: { name: "trigger", description: "Start a run in the daemon and wait until it is done" },
  args: {
    ...configArgument,
    from: { type: "string", valueHint: "date", description: "first induction date, e.g. 2026-01-01" },
    to: { type: "string", valueHint: "date", description: "last induction date (today)" },
    skip: { type: "string", valueHint: "dates", description: "dates to leave out, comma-separated" },
    limit: { type: "string", valueHint: "n", description: "only the first n employees" },
    kib: {
      type: "string",
      valueHint: "numbers",
      description: "only these KIB numbers, comma-separated",
    },
    "refresh-faces": { type: "boolean", description: "compare every photo, also behind a known link" },
    "skip-unchanged": { type: "boolean", description: "leave out records that are as in the last 24 hours" },
    patience: {
      type: "string",
      valueHint: "duration",
      default: "60s",
      description: "how long to wait without progress",
    },
    detach: { type: "boolean", description: "exit once the daemon has accepted the run" },
  },
  async run({ args }) {
    const patienceMs = parseDuration(args.patience);
    if (patienceMs === undefined)
      throw new Exit(exits.usage, "--patience must be a duration such as 500ms, 5s, 2m or 1h");
    const { from, to, skip, limit, kib } = args;
    const body = {
      ...(from && { from }),
      ...(to && { to }),
      ...(skip && { skip: list(skip) }),
      ...(limit && { limit: numberOf("limit", args, { min: 1 }) }),
      ...(kib && { kib: list(kib) }),
      ...(args["refresh-faces"] && { refresh_faces: true }),
      ...(args["skip-unchanged"] && { skip_unchanged: true }),
    };
    const daemon = new DaemonClient(loadLocalConfig(args).config.http.socket, startMs);
    const started = await daemon.call("POST", "/eposh-induction", body, { prefer: "respond-async" });
    const instead = args.detach ? "" : "; following it";
    if (started.status === 409) printError(`run ${started.body.run} already fetches these dates${instead}`);
    else if (started.status !== 202) throw new Exit(exitFor(started.status), String(started.body.error));
    const run = String(started.body.run);
    if (args.detach) {
      print(`run ${run}`);
      return exits.ok;
    }

    using stop = untilStopped();
    const { signal } = stop;
    const progress = new Progress();
    let view: RunView | undefined;
    for await (view of daemon.follow(run, { patienceMs, signal })) progress.show(barsOf(view), view.status === "done");
    if (signal.aborted)
      throw new Exit(exits.failed, `run ${run} continues in the daemon; see: hikvision-sync runs ${run}`);
    return view ? report(view, args.patience) : exits.failed;
  },
});

const exitFor = (status: number) =>
  status === 400 || status === 413 ? exits.usage : status === 503 ? exits.unavailable : exits.failed;

const barsOf = ({ fetched, employees, through, dead }: RunView) => [
  { label: "dates", done: fetched.done + fetched.dead, of: fetched.of },
  { label: "employees", done: through + dead, of: employees, ...(dead > 0 && { note: `${dead} with a case` }) },
];

function report(view: RunView, patience: string): number {
  const { run, status, employees, through, dead: held, open, warnings, deadLetters, fetched } = view;
  for (const { code, count, text } of warnings) print(fitted(visible(`${code}: ${count} (${text})`), "warning "));
  for (const { code, count, text } of deadLetters)
    print(fitted(visible(`${code}: ${count} (${text})`), "dead letter "));
  if (status === "cancelled") {
    printError(`run ${run} was cancelled (${through} of ${employees} employees done)`);
    return exits.failed;
  }
  if (status !== "done") {
    const state = `no progress for ${patience} (${through} of ${employees} employees done)`;
    printError(`run ${run}: ${state}. The daemon continues; see: hikvision-sync status`);
    return exits.failed;
  }
  const faceless = withoutFace(view);
  const dead = deadLetters.reduce((sum, { count }) => sum + count, 0);
  const counts = `${through} through, ${held} with a case, ${open} open; ${faceless} without a face`;
  print(fitted(`run ${run}: ${employees} employees, ${counts}`));
  if (fetched.dead > 0) printError(`${fetched.dead} of ${fetched.of} dates could not be fetched`);
  else if (employees === 0) printError(noEmployees(view.kib));
  return dead + faceless + fetched.dead > 0 ? exits.failed : exits.ok;
}
