import { type ArgsDef, defineCommand } from "citty";
import { entryOf } from "../../errors/codes.ts";
import { exits } from "../../errors.ts";
import type { CaseList, Selection, ShownCase, Skipped } from "../../operator/dead-letters.ts";
import { configArgument, jsonArgument, numberOf } from "../args.ts";
import { type OperatorClient, openOperatorClient } from "../operator-client.ts";
import { print, printError, printJson, table } from "../output.ts";

const filters = {
  stage: { type: "string", valueHint: "name", description: "only of this stage" },
  code: { type: "string", valueHint: "code", description: "only with this code" },
  run: { type: "string", valueHint: "id", description: "only of this run" },
} as const;

const list = defineCommand({
  meta: { name: "list", description: "Count dead letters by stage and code" },
  args: { ...configArgument, ...jsonArgument, ...filters },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const query = new URLSearchParams(filtersOf(args) as Record<string, string>);
    const found = await client.ask<CaseList>("GET", `/dead?${query}`);
    if (args.json) printJson(found);
    else print(textOfList(found, client));
  },
});

const show = defineCommand({
  meta: { name: "show", description: "Show one dead letter: its failures and its message" },
  args: {
    ...configArgument,
    ...jsonArgument,
    id: { type: "positional", required: true, description: "an ID from dead list" },
  },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const letter = await client.ask<ShownCase>("GET", `/dead/${encodeURIComponent(args.id)}`);
    if (args.json) return printJson(letter);
    const { history, body, text, first, last, fetched, ...rest } = letter;
    const times = {
      first: client.time(first),
      last: client.time(last),
      ...(fetched && { fetched: client.time(fetched) }),
    };
    print(table(Object.entries({ ...rest, ...times }).map(([name, value]) => [name, String(value)])));
    const todo = entryOf(rest.code)?.todo;
    print(`\n${text}${todo ? `\n→ ${todo}` : ""}\n`);
    for (const { at, stage, code, text } of history) print(`${client.time(at)} ${stage} ${code}: ${text}`);
    print(`\n${body}`);
  },
});

/** `replay` and `drop` differ in one word. */
const handle = (verb: "replay" | "drop", done: "replayed" | "dropped", description: string, own: ArgsDef = {}) =>
  defineCommand({
    meta: { name: verb, description },
    args: {
      ...configArgument,
      ...jsonArgument,
      ...filters,
      ids: { type: "positional", required: false, valueHint: "ID …", description: "IDs from dead list" },
      limit: { type: "string", valueHint: "n", description: "at most n" },
      rate: { type: "string", valueHint: "n", description: "at most n a second" },
      all: { type: "boolean", description: "all of them (drop requires a selection)" },
      "dry-run": { type: "boolean", description: "count only, change nothing" },
      ...own,
    },
    async run({ args }) {
      const { limit, rate, all, stale, "dry-run": dryRun } = args as typeof args & { stale?: boolean };
      const selection: Selection = {
        ...filtersOf(args),
        ...(args._.length > 0 && { ids: args._ }),
        ...(limit && { limit: numberOf("limit", args, { min: 1 }) }),
        ...(rate && { rate: numberOf("rate", args, { min: 1 }) }),
        ...(all && { all }),
        ...(dryRun && { dryRun }),
        ...(stale && { stale }),
      };
      await using client = await openOperatorClient(args);
      const answer = await client.ask<Done>("POST", `/dead/${verb}`, selection);
      const { left, unknown } = answer;
      if (args.json) printJson(answer);
      else print(`${dryRun ? "would be " : ""}${done}: ${answer[done] ?? 0}`);
      for (const { count, text } of left) printError(`${count} kept: ${text}`);
      if (unknown.length > 0) printError(`no dead letter has the ID ${unknown.join(", ")}`);
      return left.length + unknown.length > 0 ? exits.failed : exits.ok;
    },
  });

export default defineCommand({
  meta: { name: "dead", description: "List, show, replay or drop dead letters" },
  subCommands: {
    list,
    show,
    replay: handle("replay", "replayed", "Send dead letters back to their stages", {
      stale: { type: "boolean", description: "also if the data is over a day old" },
    }),
    drop: handle("drop", "dropped", "Delete dead letters permanently"),
  },
});

type Done = { left: Skipped[]; unknown: string[]; replayed?: number; dropped?: number };

const filtersOf = ({ stage, code, run }: Record<keyof typeof filters, string | undefined>) => ({
  ...(stage && { stage }),
  ...(code && { code }),
  ...(run && { run }),
});

/** Each cause with what to do about it, and one line for each case under it. */
export function textOfList({ total, warnings, groups, note }: CaseList, client: OperatorClient, maxShown = 20): string {
  const more = note === undefined ? "" : `\n${note}`;
  if (total === 0 && warnings.length === 0) return `no open cases${more}`;
  const blocks = [...groups, ...warnings].map(({ stage, code, kind, count, text, cases }) => {
    const shown = cases.slice(0, maxShown);
    const rows = shown.map(({ id, name = "–", kib = "–", first, runs, inducted }) => {
      const who = name === "–" && kib === "–" && inducted ? `date ${inducted}` : name;
      return [
        `  ${id.slice(0, idLength)}`,
        cutTo(nameWidth, who),
        cutTo(kibWidth, kib),
        client.time(first).slice(0, 16),
        String(runs),
      ];
    });
    const titles = ["  ID", "NAME", "KIB", "SINCE", "RUNS"];
    const rest =
      count > shown.length ? [`  and ${count - shown.length} more: hikvision-sync dead list --code ${code}`] : [];
    const todo = entryOf(code)?.todo ?? text;
    return [
      `${stage} ${code}: ${plural(count, kind)}`,
      ...wrapped(`→ ${todo}`),
      table([titles, ...rows]),
      ...rest,
    ].join("\n");
  });
  const lacking = warnings.reduce((sum, { count }) => sum + count, 0);
  const sum = `${plural(total, "dead letter")}, ${plural(lacking, "warning")}. Details: hikvision-sync dead show ID`;
  return [...blocks, sum + more].join("\n\n");
}

/** So many digits of an id are enough to tell cases apart, and few enough to type. */
const idLength = 8;
const [nameWidth, kibWidth, textWidth] = [30, 14, 78];
const cutTo = (width: number, text: string) => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** In lines that fit on a screen. */
function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length < textWidth) lines[lines.length - 1] = line ? `${line} ${word}` : `  ${word}`;
    else lines.push(`    ${word}`);
  }
  return lines;
}
