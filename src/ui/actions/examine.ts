import { textOf } from "../../errors.ts";
import type { Sessions } from "../sessions.ts";
import type { Examined } from "../view.ts";
import { type Action, audit } from "./action.ts";

interface Examination {
  at: Date | undefined;
  isRunning: boolean;
  found: readonly Examined[];
}

/** The last one of this daemon; a reload forgets none. */
const examinations = new WeakMap<Sessions, Examination>();
const none: Examination = { at: undefined, isRunning: false, found: [] };
export const examinationOf = (of: Sessions): Examination => examinations.get(of) ?? none;

const longestMs = 60_000;

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
    const { sessions, log, operator } = options;
    const before = examinationOf(sessions);
    if (before.isRunning) return done;
    examinations.set(sessions, { ...before, isRunning: true });
    options
      .examine(AbortSignal.timeout(longestMs))
      .catch((error: unknown) => {
        log.warn(`the examination failed: ${textOf(error)}`);
        return before.found;
      })
      .then((found) => examinations.set(sessions, { at: operator.options.ledger.now(), isRunning: false, found }));
    audit(options, view, { action: "examine", what: "", result: texts.done });
    return done;
  },
};
