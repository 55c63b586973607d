import { casesOf } from "../../operator/cases.ts";
import { labelOf } from "../../operator/who/verdict.ts";
import { sidesOf } from "../../people/conflict.ts";
import type { Decision } from "../../people/types.ts";
import type { View } from "../view.ts";
import { type Action, audit, type Fields } from "./action.ts";

export const answers: readonly Decision[] = ["same", "record-wrong", "person-wrong"];
const answerOf = ({ answer }: Fields) => answers.find((one) => one === answer);
const backOf = ({ id = "" }: Fields) => `/ui/cases/${encodeURIComponent(id)}`;

/** A conflict is one with a person in HikCentral, or with another record. */
export const decideTexts = ({ text }: { text: string }, { words: { actions } }: View) =>
  actions.decide[sidesOf(text)?.theirs.isInEposh ? "inEposh" : "inHikCentral"];

/** Decides an identity conflict once: whether the two are one human being, or who is wrong. */
export const decide: Action = {
  fields: ["id", "answer"],
  required: 2,
  async confirm({ operator: { options } }, view, fields) {
    const answer = answerOf(fields);
    const [known] = casesOf(options.ledger, { ids: [fields.id ?? ""] }, options.mask);
    if (answer === undefined || known?.code !== "identity_conflict") return undefined;
    const texts = decideTexts(known, view);
    const { title, text } = texts.answers[answer];
    const sides = sidesOf(known.text);
    const who = sides
      ? [`Eposh: ${labelOf(sides.ours)}. ${sides.theirs.isInEposh ? "Eposh" : "HikCentral"}: ${labelOf(sides.theirs)}.`]
      : [];
    return {
      title,
      texts: [...who, text, texts.kept],
      button: title,
      back: backOf(fields),
      isDangerous: answer === "same",
    };
  },
  async run(options, view, fields) {
    const answer = answerOf(fields);
    if (answer === undefined) return undefined;
    const { id = "" } = fields;
    const [known] = casesOf(options.operator.options.ledger, { ids: [id] }, options.operator.options.mask);
    const decided = await options.operator.decide(id, answer);
    const { decide: texts, failed } = view.words.actions;
    const { title } = decideTexts(known ?? { text: "" }, view).answers[answer];
    const text = "problem" in decided ? failed(decided.problem) : texts.done(title);
    audit(options, view, { action: "decide", what: id, result: text });
    return { text, to: backOf(fields) };
  },
};
