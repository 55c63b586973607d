import type { Times } from "../words/times.ts";
import { wordsIn } from "../words/words.ts";
import type { NowView, Trouble } from "./now.ts";

/** Whether the site works, in one sentence: how far today's people are, or the first thing that is wrong. */
export function sentenceOf({ isStarting, troubles, funnel, needing }: NowView, times: Times): string {
  const words = wordsIn(times.language);
  const [first, ...others] = troubles;
  if (first) return troubleText(first, times) + (others.length > 0 ? ` (+${others.length})` : "");
  if (isStarting) return words.starting;
  const today = funnel.inducted > 0 ? words.canEnter(funnel.canEnter, funnel.inducted) : words.nobodyToday;
  return [words.working, today, words.needYou(needing)].join(" · ");
}

export function troubleText(trouble: Trouble, times: Times): string {
  const { trouble: texts, since } = wordsIn(times.language);
  const from = (at: Date | undefined) => (at ? since(times.since(at)) : "");
  switch (trouble.what) {
    case "stalled":
    case "removed":
    case "unreachable":
      return capital(texts[trouble.what](trouble.name));
    case "unconsumed":
      return capital(texts.unconsumed(trouble.name, trouble.count));
    default:
      return capital(texts[trouble.what](trouble.name, from(trouble.since)));
  }
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
