import { type Action, audit } from "./action.ts";

export const examine: Action = {
  fields: [],
  required: 0,
  async confirm(_, { words }) {
    const { examine: texts } = words.actions;
    return { title: texts.title, texts: [texts.text], button: words.system.examine, back: "/ui/system" };
  },
  async run(options, view) {
    const { examine: texts } = view.words.actions;
    const done = { text: texts.done, to: "/ui/system" };
    const { examination } = options;
    if (examination.isRunning) return done;
    await examination.begin();
    audit(options, view, { action: "examine", what: "", result: texts.done });
    return done;
  },
};
