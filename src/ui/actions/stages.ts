import { type Action, audit } from "./action.ts";

/** Pausing and resuming a stage differ in little. */
const onStage = (verb: "pause" | "resume"): Action => ({
  fields: ["stage"],
  required: 1,
  async confirm({ operator }, { words }, { stage = "" }) {
    if (!operator.options.running?.pipeline.worker(stage)) return undefined;
    const { names, [verb]: texts } = words.actions;
    return { title: texts.title(stage), texts: [texts.text], button: names[verb] ?? verb, back: "/ui/system" };
  },
  async run(options, view, { stage = "" }) {
    if (!options.operator[verb](stage)) return undefined;
    const text = view.words.actions[verb].done(stage);
    audit(options, view, { action: verb, what: stage, result: text });
    return { text, to: "/ui/system" };
  },
});

export const pause = onStage("pause");
export const resume = onStage("resume");
