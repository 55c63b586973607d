import { defineCommand } from "citty";
import { Exit, exits } from "../../errors.ts";
import type { WhoAnswer } from "../../operator/who/answer.ts";
import { isLanguage, languageOf, languages } from "../../operator/words/language.ts";
import { wordsIn } from "../../operator/words/words.ts";
import { configArgument, jsonArgument } from "../args.ts";
import { openOperatorClient } from "../operator-client.ts";
import { comparison, fitted, print, printError, printJson } from "../output.ts";

const longestKey = 100;

export default defineCommand({
  meta: { name: "who", description: "Say whether somebody can enter, or why not" },
  args: {
    ...configArgument,
    ...jsonArgument,
    key: {
      type: "positional",
      required: true,
      valueHint: "NAME, KIB or NIK …",
      description: "a name, KIB number or NIK",
    },
    lang: { type: "string", valueHint: "en or id", description: "the language (LANG)" },
  },
  async run({ args }) {
    if (args.lang !== undefined && !isLanguage(args.lang))
      throw new Exit(exits.usage, `--lang must be ${languages.join(" or ")}`);
    const language = args.lang ?? languageOf(process.env.LC_ALL || process.env.LANG);
    const { who } = wordsIn(language);
    const key = args._.join(" ").trim();
    if (key === "" || key.length > longestKey) throw new Exit(exits.usage, who.badKey);
    await using client = await openOperatorClient(args);
    const asked = { key, language };
    const answer = await client.ask<{ people: WhoAnswer[]; note?: string; more: number }>("POST", "/who", asked);
    if (args.json) printJson(answer);
    else if (answer.people.length > 0) {
      print(answer.people.map((one) => textOf(one, language, (at) => client.time(at))).join("\n\n"));
      if (answer.more > 0) printError(who.more(answer.more));
    }
    if (answer.note && !args.json) printError(fitted(answer.note));
    return answer.people.length > 0 ? exits.ok : exits.failed;
  },
});

function textOf(
  { sentence, fields, problems, traces }: WhoAnswer,
  language: "en" | "id",
  time: (at: string) => string,
): string {
  const { who, outcomes } = wordsIn(language);
  const rows = fields.map(({ field, eposh, hikcentral, isRight }): [string, string, string] => [
    `  ${isRight ? "✓" : "✗"} ${who.fields[field]}`,
    eposh ?? "–",
    hikcentral ?? "–",
  ]);
  const steps = traces.at(-1)?.steps ?? [];
  return [
    fitted(sentence),
    comparison([["", "Eposh", "HikCentral"], ...rows]),
    ...problems.flatMap(({ code, meaning, todo }) => [fitted(`${code}: ${meaning}`, "  "), fitted(todo, "  → ")]),
    ...steps.map(
      ({ at, stage, outcome, code }) => `  ${time(at)} ${stage} ${outcomes[outcome]}${code ? ` (${code})` : ""}`,
    ),
  ].join("\n");
}
