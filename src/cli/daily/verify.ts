import { defineCommand } from "citty";
import { createClients } from "../../clients.ts";
import { DateError, datesOf, todayIn } from "../../config/dates.ts";
import { Exit, exits, Failure, textOf } from "../../errors.ts";
import { createLog } from "../../observability/log.ts";
import { type Comparison, compare } from "../../reconcile/comparison.ts";
import type { Recall, Recollection } from "../../reconcile/difference.ts";
import { countsOf, type Fix, fixesOf, sentenceOf } from "../../reconcile/fixes.ts";
import { visible } from "../../util/text/visible.ts";
import { configArgument, loadConfig, loadLocalConfig } from "../args.ts";
import { DaemonClient } from "../daemon-client.ts";
import { untilStopped } from "../exit.ts";
import { mask, Progress, print, printError, table } from "../output.ts";

const shownDifferences = 50;
const startMs = 3_000;

export default defineCommand({
  meta: {
    name: "verify",
    description: "Compare Eposh with HikCentral, employee by employee",
  },
  args: {
    ...configArgument,
    from: { type: "string", valueHint: "date", description: "first induction date (induction.from)" },
    to: { type: "string", valueHint: "date", description: "last induction date (with --from: today)" },
    kib: { type: "string", valueHint: "numbers", description: "only these KIB numbers, comma-separated" },
    json: { type: "boolean", description: "print JSON" },
    fix: { type: "boolean", description: "have the daemon add what is missing" },
    "dry-run": { type: "boolean", description: "with --fix: print the runs and start none" },
  },
  async run({ args }) {
    if (args["dry-run"] && !args.fix) throw new Exit(exits.usage, "--dry-run requires --fix");
    using stop = untilStopped();
    const { config } = loadConfig(args);
    const log = createLog({
      level: "warn",
      format: "pretty",
      mask,
      write: (text) => process.stderr.write(text),
    });
    await using clients = createClients(config, log);
    const progress = new Progress();
    const show = (done: number, of: number) => progress.show([{ label: "compared", done, of }], done === of);
    try {
      const dates = datesFrom(args, config);
      const kib = args.kib?.split(",").map((one) => one.trim());
      const quiet = args.json ? {} : { onPerson: show };
      const { signal } = stop;
      const recall = await recallOf(config.http.socket, log.warn);
      const comparison = await compare(clients, config, { dates, kib, signal, recall, say: log.warn, ...quiet });
      if (args.json) print(JSON.stringify(shown(comparison), null, 2));
      else print(`${tableOf(comparison)}\n${sentenceOf(countsOf(comparison), howToFix)}`);
      if (args.fix) await fix(fixesOf(comparison), args);
      if (!kib) await note(config.http.socket, comparison, dates, args.fix === true && !args["dry-run"]);
      return comparison.differences.length === 0 ? exits.ok : exits.failed;
    } catch (error) {
      stop.signal.throwIfAborted();
      if (error instanceof Failure) throw new Exit(exits.unavailable, error.message, { cause: error });
      throw error;
    }
  },
});

/** n.b. Without NIKs, nor what is made from them. */
const shown = ({ differences, members: _, ...rest }: Comparison) => ({
  ...rest,
  differences: differences.map(({ personCode: _, record: __, ...one }) => one),
});

/** Only the daemon knows what was written before. */
async function recallOf(socket: string, say: (text: string) => void): Promise<Recall | undefined> {
  const daemon = new DaemonClient(socket);
  const missing = await daemon.missing().catch(textOf);
  if (missing === undefined)
    return async (persons) => {
      const { status, body } = await daemon.call("POST", "/comparison/recall", { persons });
      if (status !== 200) throw new Exit(exits.unavailable, String(body.error));
      return body as unknown as Recollection;
    };
  say(`${missing}: changed photos and unknown members of privilege groups are not found`);
  return undefined;
}

/** For the page; the comparison is as good without. */
async function note(socket: string, comparison: Comparison, dates: readonly string[], isFixed: boolean): Promise<void> {
  const [from, to] = [dates[0], dates.at(-1)];
  if (from === undefined || to === undefined) return;
  const noted = { ...countsOf(comparison), dates: [from, to], isFixed };
  await new DaemonClient(socket, startMs).call("POST", "/comparison/note", noted).catch(() => undefined);
}

const howToFix = (count: number) => `\`hikvision-sync verify --fix\` adds what is missing for ${count} of them.`;

async function fix(fixes: readonly Fix[], args: { config?: string | undefined; "dry-run"?: boolean | undefined }) {
  const daemon = args["dry-run"] ? undefined : new DaemonClient(loadLocalConfig(args).config.http.socket, startMs);
  for (const one of fixes) {
    const what = `${one.from}: ${one.kib ? `KIB ${one.kib.join(", ")}` : "the whole date"}`;
    if (!daemon) {
      printError(visible(`would run ${what}`));
      continue;
    }
    const { status, body } = await daemon.call("POST", "/eposh-induction", one, { prefer: "respond-async" });
    if (status !== 202 && status !== 409) throw new Exit(exits.unavailable, String(body.error));
    printError(visible(`run ${body.run} fetches ${what}`));
  }
  if (fixes.length === 0) printError("nothing to fix");
}

type Config = ReturnType<typeof loadConfig>["config"];

function datesFrom(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  { induction, site }: Config,
): string[] {
  const today = todayIn(site.timeZone);
  if (to && !from) throw new Exit(exits.usage, "--from is missing; --to requires it");
  const range = from ? { from, to: to ?? today } : induction;
  try {
    return datesOf({ ...range, maxDays: induction.maxDays, today });
  } catch (error) {
    throw error instanceof DateError ? new Exit(exits.usage, error.message) : error;
  }
}

/** The comparison as a table, with the rows `more`; then each difference, by KIB and name, never by NIK. */
export function tableOf(
  { employees, agree, differences, unusable, unchecked }: Comparison,
  more: readonly (readonly string[])[] = [],
): string {
  const row = (label: string, right: number, of = employees) => [label, String(right), String(of - right)];
  const rows = [
    ["", "AGREE", "DIFFER"],
    row("persons", agree.person),
    row("faces", agree.face),
    row("KIB", agree.kib),
    row("access", agree.access, employees - unchecked),
    row("validity", agree.validity),
    ...more,
  ];
  const shown = differences
    .slice(0, shownDifferences)
    .map(({ kib, name, text }) => visible(`KIB ${kib}, ${name}: ${text}`));
  const unshown = differences.length - shown.length;
  return [
    table(rows),
    ...shown,
    ...(unshown > 0 ? [`and ${unshown} more`] : []),
    ...(unchecked > 0
      ? [`access of ${unchecked} persons not checked: the HikCentral partner may not read group members`]
      : []),
    ...(unusable > 0 ? [`${unusable} Eposh records not compared: their NIK or name is unusable`] : []),
  ].join("\n");
}
