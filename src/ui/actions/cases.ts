import { setTimeout as sleep } from "node:timers/promises";
import { textOf } from "../../errors.ts";
import type { BatchResult, Selection } from "../../operator/selection.ts";
import type { UiOptions, View } from "../view.ts";
import { type Action, audit, type Confirm, type Fields } from "./action.ts";

/** What takes longer goes on, and its result is in the audit. */
const patienceMs = 1_500;
const rates = ["", "1", "10"] as const;

/** One case by its id, else all of one cause. */
const selectionOf = ({ id, code, stage, rate }: Fields): Selection | undefined => {
  // n.b. An empty id or code would mean all of them.
  if (id === "" || (id === undefined && !(code && stage))) return undefined;
  return { ...(id === undefined ? { code, stage } : { ids: [id] }), ...(rate && { rate: Number(rate) }) };
};
const whatOf = ({ id, code, stage }: Fields): string => id ?? `${code} · ${stage}`;
const backOf = ({ id }: Fields): string => (id === undefined ? "/ui/cases" : `/ui/cases/${encodeURIComponent(id)}`);

const unknownFor = (why: unknown): BatchResult => ({ count: 0, left: [], unknown: [], trouble: textOf(why) });

/** Sends dead letters again, or drops cases. */
const onCases = (verb: "replay" | "drop"): Action => ({
  fields: ["id", "code", "stage", "rate", "typed"],
  required: 0,
  async confirm({ operator }, { words }, fields): Promise<Confirm | undefined> {
    const selected = selectionOf(fields);
    if (selected === undefined) return undefined;
    // n.b. Another command may have the dead letters in progress, and a broker may hang: the page comes in time.
    const counted = operator.dead[verb]({ ...selected, dryRun: true }).catch(unknownFor);
    const late = sleep(patienceMs, unknownFor(words.actions.slow), { ref: false });
    const { count, left, trouble } = await Promise.race([counted, late]);
    const { [verb]: texts, failed, rate } = words.actions;
    const kept = left.map(({ count, text }) => texts.kept(count, text));
    return {
      title: texts.title(count),
      texts: [texts.text, ...kept],
      button: texts.button,
      isDangerous: verb === "drop",
      back: backOf(fields),
      ...(verb === "drop" && { typed: String(count) }),
      ...(verb === "replay" &&
        count > 1 && {
          choices: [
            { name: "rate", label: rate.label, options: rates.map((one) => [one, rate.options(one)] as const) },
          ],
        }),
      ...((trouble !== undefined || count === 0) && { refusal: trouble === undefined ? texts.none : failed(trouble) }),
    };
  },
  async run(options, view, fields) {
    const selected = selectionOf(fields);
    if (selected === undefined || (fields.rate !== undefined && !rates.some((one) => one === fields.rate)))
      return undefined;
    const { operator } = options;
    const { actions } = view.words;
    if (verb === "drop") {
      const { count } = await operator.dead.drop({ ...selected, dryRun: true });
      if (fields.typed !== String(count)) return { text: actions.typedWrong, to: backOf(fields) };
    }
    const work = act(verb, selected, whatOf(fields), options, view);
    const text = await Promise.race([work, sleep(patienceMs, actions.running, { ref: false })]);
    return { text, to: "/ui/cases" };
  },
});

/** Resolves with the text about what became of it, which is in the audit too. */
async function act(verb: "replay" | "drop", selected: Selection, what: string, options: UiOptions, view: View) {
  const { [verb]: texts, failed } = view.words.actions;
  const textFor = ({ count, left, trouble }: BatchResult) => {
    const kept = left.map((one) => texts.kept(one.count, one.text));
    return [texts.done(count), ...kept, ...(trouble === undefined ? [] : [failed(trouble)])].join(" ");
  };
  const result = await options.operator.dead[verb](selected).then(textFor, (error: unknown) => failed(textOf(error)));
  audit(options, view, { action: verb, what, result });
  return result;
}

export const replay = onCases("replay");
export const drop = onCases("drop");
