import { createInterface } from "node:readline/promises";
import { type ArgsDef, defineCommand } from "citty";
import { entryOf } from "../../errors/codes.ts";
import { Exit, exits } from "../../errors.ts";
import { answers } from "../../ledger/cases/decisions.ts";
import type { CaseList } from "../../operator/cases.ts";
import type { ShownCase } from "../../operator/dead-letters.ts";
import type { Decided } from "../../operator/decide.ts";
import type { Selection, Skipped } from "../../operator/selection.ts";
import type { Decision } from "../../people/types.ts";
import { csvOf } from "../../util/text/csv.ts";
import { visibleIn, visibleLines } from "../../util/text/visible.ts";
import { configArgument, jsonArgument, numberOf } from "../args.ts";
import { type OperatorClient, openOperatorClient } from "../operator-client.ts";
import { cutTo, kibWidth, nameWidth, print, printError, printJson, table, wrapped } from "../output.ts";

const filters = {
  stage: { type: "string", valueHint: "name", description: "only of this stage" },
  code: { type: "string", valueHint: "code", description: "only with this code" },
  run: { type: "string", valueHint: "id", description: "only of this run" },
} as const;

const columns = [
  "id",
  "kind",
  "stage",
  "code",
  "name",
  "kib",
  "inducted",
  "first",
  "last",
  "runs",
  "decision",
  "text",
] as const;

const list = defineCommand({
  meta: { name: "list", description: "List the open cases by cause" },
  args: {
    ...configArgument,
    ...jsonArgument,
    ...filters,
    csv: { type: "boolean", description: "print CSV, for a spreadsheet" },
  },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const query = new URLSearchParams(filtersOf(args) as Record<string, string>);
    const found = await client.ask<CaseList>("GET", `/dead?${query}`);
    if (args.json) return printJson(found);
    const cases = [...found.groups, ...found.warnings].flatMap((group) => group.cases);
    if (args.csv)
      return print(
        csvOf(
          columns,
          cases.map((one) => columns.map((column) => one[column])),
        ),
      );
    print(textOfList(found, client));
  },
});

const show = defineCommand({
  meta: { name: "show", description: "Show one case: its failures and its message" },
  args: {
    ...configArgument,
    ...jsonArgument,
    id: { type: "positional", required: true, description: "an ID or its start" },
  },
  async run({ args }) {
    await using client = await openOperatorClient({ ...args, json: true });
    const shown = await client.ask<ShownCase>("GET", `/dead/${encodeURIComponent(args.id)}`);
    if (args.json) return printJson(shown);
    const letter = visibleIn(shown);
    const { history, body: _, text, first, last, fetched, closed, letters, ...rest } = letter;
    const facts = {
      ...rest,
      first: client.time(first),
      last: client.time(last),
      ...(fetched && { fetched: client.time(fetched) }),
      ...(closed && { closed: `${client.time(closed.at)} ${closed.why}` }),
    };
    const nameWidth = Math.max(...Object.keys(facts).map((name) => name.length)) + 2;
    for (const [name, value] of Object.entries(facts)) print(wrapped(String(value), name.padEnd(nameWidth)));
    const todo = letter.decision === "person-wrong" ? personWrong : entryOf(rest.code)?.todo;
    print(`\n${wrapped(text)}${todo ? `\n${wrapped(todo, "→ ")}` : ""}\n`);
    for (const [at, failure] of history.entries()) {
      print(wrapped(`${failure.stage} ${failure.code}`, `${client.time(failure.at)}  `));
      // Most fail alike each time; the last one's text stands above, maybe with more of it.
      if (failure.text !== history[at - 1]?.text && !text.startsWith(failure.text)) print(wrapped(failure.text, "  "));
    }
    // Indented, so that no line of it looks like one of ours.
    if (shown.body !== undefined) print(`\n  ${visibleLines(shown.body).replaceAll("\n", "\n  ")}`);
    else if (rest.kind === "dead letter") print(letters > 0 ? noBody : "no dead letter of it: it is tried again");
  },
});

/** A warning has no message that could be sent back. */
const nouns = { replay: "dead letter", drop: "case" } as const;

/** `replay` and `drop` differ in one word. */
const handle = (verb: "replay" | "drop", done: "replayed" | "dropped", description: string, own: ArgsDef = {}) =>
  defineCommand({
    meta: { name: verb, description },
    args: {
      ...configArgument,
      ...jsonArgument,
      ...filters,
      ids: {
        type: "positional",
        required: false,
        valueHint: "ID …",
        description: "IDs from dead list, or how they begin",
      },
      limit: { type: "string", valueHint: "n", description: "at most n" },
      rate: { type: "string", valueHint: "n", description: "at most n a second" },
      yes: { type: "boolean", description: "all of them, without a question" },
      "dry-run": { type: "boolean", description: "count only, change nothing" },
      ...own,
    },
    async run({ args }) {
      const { limit, rate, yes, stale, "dry-run": dryRun } = args as typeof args & { stale?: boolean };
      const filter = { ...filtersOf(args), ...(args._.length > 0 && { ids: args._ }) };
      const selection: Selection = {
        ...filter,
        ...(limit && { limit: numberOf("limit", args, { min: 1 }) }),
        ...(rate && { rate: numberOf("rate", args, { min: 1 }) }),
        ...(dryRun && { dryRun }),
        ...(stale && { stale }),
      };
      const isAll = Object.keys(filter).length === 0;
      if (isAll && !yes && !dryRun && !process.stdin.isTTY)
        throw new Exit(exits.usage, `${verb} which? Give IDs, --stage, --code or --run; for all of them --yes`);
      await using client = await openOperatorClient(args);
      if (isAll && !yes && !dryRun) await confirm(verb, client);
      const answer = await client.ask<Done>("POST", `/dead/${verb}`, { ...selection, ...(isAll && { all: true }) });
      const { left, unknown, file } = answer;
      if (args.json) printJson(answer);
      else print(`${dryRun ? "would be " : ""}${done}: ${answer[done] ?? 0}`);
      if (file && !args.json) print(`kept in ${file}`);
      for (const { count, text } of left) printError(`${count} kept: ${text}`);
      if (unknown.length > 0) printError(`no ${nouns[verb]}, or more than one, has the ID ${unknown.join(", ")}`);
      return left.length + unknown.length > 0 ? exits.failed : exits.ok;
    },
  });

/** The operator types how many. */
async function confirm(verb: "replay" | "drop", client: OperatorClient): Promise<void> {
  const { total, warnings } = await client.ask<CaseList>("GET", "/dead");
  const count = verb === "drop" ? total + sumOf(warnings) : total;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = `This will ${verb} all ${plural(count, nouns[verb])}. Type ${count} to go on: `;
  // Ctrl+C and Ctrl+D are a no.
  const typed = await terminal.question(question).catch(() => "");
  terminal.close();
  if (typed.trim() !== String(count)) throw new Exit(exits.usage, "nothing was changed");
}

const decide = defineCommand({
  meta: { name: "decide", description: "Decide an identity conflict: one human being or two" },
  args: {
    ...configArgument,
    ...jsonArgument,
    id: { type: "positional", required: true, description: "an ID or its start" },
    answer: { type: "positional", required: true, valueHint: answers.join("|"), description: "what is right" },
  },
  async run({ args }) {
    const { id, answer } = args;
    if (!(answers as readonly string[]).includes(answer)) throw new Exit(exits.usage, `answer ${answers.join(", ")}`);
    await using client = await openOperatorClient(args);
    const decided = await client.ask<Decided>("POST", `/dead/${encodeURIComponent(id)}/decide`, { answer });
    if (args.json) return printJson(decided);
    print(texts[decided.decision]);
  },
});

const texts: Readonly<Record<Decision, string>> = {
  same: "they are one human being: the message was sent back to its stage and will pass",
  "record-wrong": "the record at Eposh is wrong: the case is closed until the record changes",
  "person-wrong":
    "the person in HikCentral is wrong: correct the person there. The case stays open, and each run tries it again",
};

export default defineCommand({
  meta: { name: "dead", description: "List, show, replay, drop or decide open cases" },
  subCommands: {
    list,
    show,
    replay: handle("replay", "replayed", "Send dead letters back to their stages", {
      stale: { type: "boolean", description: "also if the data is over a day old" },
    }),
    drop: handle("drop", "dropped", "Drop cases that are not needed; a file keeps them"),
    decide,
  },
});

type Done = { left: Skipped[]; unknown: string[]; replayed?: number; dropped?: number; file?: string };

const filtersOf = ({ stage, code, run }: Record<keyof typeof filters, string | undefined>) => ({
  ...(stage && { stage }),
  ...(code && { code }),
  ...(run && { run }),
});

/** Each cause with what to do about it, and one line for each case under it. */
export function textOfList({ total, warnings, groups, note }: CaseList, client: OperatorClient, maxShown = 20): string {
  const more = note === undefined ? "" : `\n${note}`;
  if (total === 0 && warnings.length === 0) return `no open cases${more}`;
  const blocks = [...groups, ...warnings].map(({ stage, code, kind, count, text, cases, decision }) => {
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
    const todo = decision === "person-wrong" ? personWrong : (entryOf(code)?.todo ?? text);
    return [`${stage} ${code}: ${plural(count, kind)}`, wrapped(todo, "  → "), table([titles, ...rows]), ...rest].join(
      "\n",
    );
  });
  const sum = `${plural(total, "dead letter")}, ${plural(sumOf(warnings), "warning")}. Details: hikvision-sync dead show ID`;
  return [...blocks, sum + more].join("\n\n");
}

const personWrong = "Correct the person in HikCentral: an operator decided so. Each run tries it again.";
const noBody = "the dead letter cannot be read now";

/** So many digits of an id are enough to tell cases apart, and few enough to type. */
const idLength = 8;
const sumOf = (groups: readonly { count: number }[]) => groups.reduce((sum, { count }) => sum + count, 0);
const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;
