import { defineCommand } from "citty";
import type { Journey } from "../../ledger/trace.ts";
import { openOffice, operateArguments, sayJson } from "../operator-client.ts";
import { table } from "../output.ts";
import { say } from "../run.ts";

export default defineCommand({
  meta: { name: "trace", description: "Where is this employee? Every run, stage, attempt, warning and error" },
  args: {
    ...operateArguments,
    key: { type: "positional", required: true, valueHint: "KIB or NIK", description: "KIB number or NIK" },
  },
  async run({ args }) {
    await using office = await openOffice(args);
    const { journeys } = await office.ask<{ journeys: Journey[] }>("POST", "/trace", { key: args.key });
    if (args.json) return sayJson({ journeys });
    for (const { run, where, steps } of journeys) {
      say(`run ${run ?? "unknown"}: ${where}`);
      const rows = steps.map(({ at, stage, outcome, attempt, kib, code, text }) => {
        const why = [code, text].filter(Boolean).join(": ");
        const tried = outcome === "replayed" || outcome === "dropped" ? "" : `attempt ${attempt + 1}`;
        return [`  ${office.time(at)}`, stage, outcome, tried, kib ? `KIB ${kib}` : "", why];
      });
      say(table(rows));
    }
  },
});
