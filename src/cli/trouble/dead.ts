import { type ArgsDef, defineCommand } from "citty";
import { entryOf } from "../../errors/codes.ts";
import { exits } from "../../errors.ts";
import type { DeadLetterList, DeadLetters, Selection, Skipped } from "../../operator/dead-letters.ts";
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
    const found = await client.ask<DeadLetterList>("GET", `/dead?${query}`);
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
    const letter = await client.ask<Shown>("GET", `/dead/${encodeURIComponent(args.id)}`);
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

type Shown = NonNullable<Awaited<ReturnType<DeadLetters["show"]>>>;
type Done = { left: Skipped[]; unknown: string[]; replayed?: number; dropped?: number };

const filtersOf = ({ stage, code, run }: Record<keyof typeof filters, string | undefined>) => ({
  ...(stage && { stage }),
  ...(code && { code }),
  ...(run && { run }),
});

/** One line for each stage and cause, how to see more, and what may be missing. */
export function textOfList({ total, groups, note }: DeadLetterList, client: OperatorClient): string {
  const more = note === undefined ? "" : `\n${note}`;
  if (total === 0) return `no dead letters${more}`;
  const rows = groups.map(({ stage, code, count, first, last, ids, text }) => {
    return [stage, code, String(count), client.time(first), client.time(last), ids[0] ?? "", text];
  });
  const titles = ["STAGE", "CODE", "COUNT", "FIRST", "LAST", "FOR EXAMPLE", "TEXT"];
  return `${table([titles, ...rows])}\n${total} dead letter${total === 1 ? "" : "s"}. Details: hikvision-sync dead show ID, or explain CODE${more}`;
}
