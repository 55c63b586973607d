import { defineCommand } from "citty";
import { type CodeEntry, cures } from "../../errors/code-entry.ts";
import { codes, entryOf } from "../../errors/codes.ts";
import { Exit, exits } from "../../errors.ts";
import { closest } from "../../util/closest.ts";
import { visible } from "../../util/text/visible.ts";
import { jsonArgument } from "../args.ts";
import { print, printJson, table, wrapped } from "../output.ts";

export default defineCommand({
  meta: { name: "explain", description: "Explain a failure code, or list all of them" },
  args: {
    code: { type: "positional", required: false, description: "a code from dead list, runs or the log" },
    ...jsonArgument,
  },
  run({ args }) {
    if (args.code === undefined) {
      const all = Object.keys(codes).sort().map(explained);
      return args.json ? printJson({ codes: all }) : print(listOf(all));
    }
    const found = explained(args.code);
    return args.json ? printJson(found) : print(textOf(found));
  },
});

interface Explained extends CodeEntry {
  readonly code: string;
}

/** Exit 64 for a code that is none of ours. */
function explained(code: string): Explained {
  const entry = entryOf(code);
  if (entry) return { code, ...entry };
  const like = closest(code, Object.keys(codes));
  const next = like ? `did you mean ${like}?` : "hikvision-sync explain lists all codes but those of your own stages";
  throw new Exit(exits.usage, `unknown code ${visible(code)}: ${next}`);
}

const labelWidth = "what to do  ".length;

function textOf({ code, meaning, todo, cure, kinds }: Explained): string {
  const rows = { code, meaning, "what to do": todo, cure: `${cure}: ${cures[cure]}`, "seen as": kinds.join(", ") };
  return Object.entries(rows)
    .map(([label, text]) => wrapped(text, label.padEnd(labelWidth)))
    .join("\n");
}

function listOf(all: readonly Explained[]): string {
  const rows = all.map(({ code, cure, kinds }) => [code, cure, kinds.join(", ")]);
  return `${table([["CODE", "CURE", "SEEN AS"], ...rows])}\n\nexplain one with: hikvision-sync explain CODE`;
}
