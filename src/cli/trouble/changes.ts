import { defineCommand } from "citty";
import type { Overwrite } from "../../ledger/overwrites.ts";
import { csvOf } from "../../util/text/csv.ts";
import { configArgument, jsonArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { cutTo, kibWidth, nameWidth, print, printJson, table, wrapped } from "../output.ts";

const columns = ["at", "kib", "name", "what", "from", "to", "inducted", "run", "reason"] as const;

export default defineCommand({
  meta: { name: "changes", description: "List what was replaced of known persons" },
  args: {
    ...configArgument,
    ...jsonArgument,
    kib: { type: "string", valueHint: "KIB", description: "only of whoever has or had this KIB number" },
    since: { type: "string", valueHint: "YYYY-MM-DD", description: "only from this date on" },
    csv: { type: "boolean", description: "print CSV, for a spreadsheet" },
  },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const query = new URLSearchParams({
      ...(args.kib && { kib: args.kib.trim() }),
      ...(args.since && { since: args.since }),
    });
    const { changes } = await client.ask<{ changes: Overwrite[] }>("GET", `/changes?${query}`);
    if (args.json) return printJson({ changes });
    if (args.csv)
      return print(
        csvOf(
          columns,
          changes.map((one) => columns.map((column) => one[column])),
        ),
      );
    if (changes.length === 0) return print("nothing of a known person was replaced");
    const rows = changes.map(({ at, kib, name, what, inducted }) => {
      return [client.time(at).slice(0, 16), cutTo(kibWidth, kib ?? ""), cutTo(nameWidth, name), what, inducted ?? ""];
    });
    const [titles = "", ...lines] = table([["WHEN", "KIB", "NAME", "WHAT", "INDUCTED"], ...rows]).split("\n");
    const each = changes.map(({ from, to, reason }, at) =>
      [lines[at], wrapped(`${from} → ${to}: ${reason}`, "  ")].join("\n"),
    );
    print([titles, ...each].join("\n"));
  },
});
