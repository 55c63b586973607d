import { defineCommand } from "citty";
import { createClients } from "../../clients.ts";
import { DateError, datesOf, todayIn } from "../../config/dates.ts";
import { Exit, exits, Failure } from "../../errors.ts";
import { createLog } from "../../observability/log.ts";
import { type Comparison, compare } from "../../reconcile/comparison.ts";
import { visible } from "../../util/text/visible.ts";
import { configArgument, loadConfig } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { mask, Progress, print, table } from "../output.ts";

const shownDifferences = 50;

export default defineCommand({
  meta: {
    name: "verify",
    description: "Compare Eposh with HikCentral: person, face, KIB, access",
  },
  args: {
    ...configArgument,
    from: { type: "string", valueHint: "date", description: "first induction date (induction.from)" },
    to: { type: "string", valueHint: "date", description: "last induction date (with --from: today)" },
  },
  async run({ args }) {
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
      const options = { dates: datesFrom(args, config), signal: stop.signal, say: log.warn, onPerson: show };
      const comparison = await compare(clients, config, options);
      print(tableOf(comparison));
      return comparison.differences.length === 0 ? exits.ok : exits.failed;
    } catch (error) {
      stop.signal.throwIfAborted();
      if (error instanceof Failure) throw new Exit(exits.unavailable, error.message, { cause: error });
      throw error;
    }
  },
});

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
