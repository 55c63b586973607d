import { defineCommand } from "citty";
import { Exit, exits } from "../../errors.ts";
import type { RunView } from "../../ledger/runs.ts";
import { configArgument, jsonArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { fitted, print, printJson, table } from "../output.ts";

export default defineCommand({
  meta: { name: "runs", description: "List the runs, show one (ID) or cancel one (cancel ID)" },
  args: {
    ...configArgument,
    ...jsonArgument,
    what: { type: "positional", required: false, valueHint: "ID or cancel", description: "a run, or the word cancel" },
    id: { type: "positional", required: false, description: "the run to cancel" },
  },
  async run({ args }) {
    const { what, id } = args;
    const isCancel = what === "cancel";
    if (isCancel !== (id !== undefined)) throw new Exit(exits.usage, "use  runs,  runs ID  or  runs cancel ID");
    await using client = await openOperatorClient(args);
    if (what === undefined) {
      const { runs } = await client.ask<{ runs: RunView[] }>("GET", "/runs");
      if (args.json) return printJson({ runs });
      const rows = runs.map(({ run, at, status, part, dates, employees, through, dead }) => {
        const range = dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : (dates[0] ?? "");
        return [
          run,
          client.time(at),
          part ? `${status} (part)` : status,
          range,
          `${through}/${employees}`,
          String(dead),
        ];
      });
      return print(table([["RUN", "STARTED", "STATUS", "DATES", "THROUGH", "CASES"], ...rows]));
    }
    const path = `/runs/${encodeURIComponent(id ?? what)}`;
    const view = await client.ask<RunView>(isCancel ? "POST" : "GET", isCancel ? `${path}/cancel` : path);
    if (args.json) return printJson(view);
    if (isCancel) print("Cancelled: its messages end at their next stage. Nothing that is done is undone");
    print(textOfRun(view, client.time(view.at)));
  },
});

/** A run in a few lines. */
export function textOfRun(view: RunView, startedAt: string): string {
  const { run, status, part, fetched, pages, employees, through, dead: deadPeople, open, stages } = view;
  const { warnings, deadLetters, by } = view;
  const starters = {
    trigger: "the trigger",
    nightly: "the nightly comparison",
    page: by && "name" in by ? by.name : "",
  };
  const dead = fetched.dead > 0 ? `, ${fetched.dead} of them dead` : "";
  return [
    `run ${run}, started ${startedAt}${by ? ` by ${starters[by.how]}` : ""}: ${status}`,
    fitted(
      `${fetched.done + fetched.dead} of ${fetched.of} dates${dead}, ${pages} pages, ${through} of ${employees} employees through, ${deadPeople} with a case, ${open} open`,
    ),
    ...(part ? ["  incomplete: other daemons share the queues or started the run. Ask them too"] : []),
    ...Object.entries(stages).map(([stage, counts]) => {
      return `  ${stage}: ${Object.entries(counts)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(", ")}`;
    }),
    ...warnings.map(({ code, count, text }) => fitted(`${code}: ${count} (${text})`, "warning ")),
    ...deadLetters.map(({ code, count, text }) => fitted(`${code}: ${count} (${text})`, "dead letter ")),
  ].join("\n");
}
