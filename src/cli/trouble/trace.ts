import { defineCommand } from "citty";
import type { Trace } from "../../ledger/trace.ts";
import { configArgument, jsonArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { cutTo, fitted, kibWidth, print, printJson, table } from "../output.ts";

export default defineCommand({
  meta: { name: "trace", description: "Show what happened to one employee, run by run" },
  args: {
    ...configArgument,
    ...jsonArgument,
    key: { type: "positional", required: true, valueHint: "KIB or NIK", description: "KIB number or NIK" },
  },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const { journeys } = await client.ask<{ journeys: Trace[] }>("POST", "/trace", { key: args.key });
    if (args.json) return printJson({ journeys });
    for (const { run, where, steps } of journeys) {
      print(fitted(`run ${run ?? "unknown"}: ${where}`));
      const rows = steps.map(({ at, stage, outcome, attempt, kib }) => {
        const tried = outcome === "replayed" || outcome === "dropped" ? "" : `attempt ${attempt + 1}`;
        return [`  ${client.time(at)}`, stage, outcome, tried, kib ? `KIB ${cutTo(kibWidth, kib)}` : ""];
      });
      const lines = table(rows).split("\n");
      for (const [at, { code, text }] of steps.entries()) {
        print(lines[at] ?? "");
        const why = [code, text].filter(Boolean).join(": ");
        if (why) print(fitted(why, "    "));
      }
    }
  },
});
