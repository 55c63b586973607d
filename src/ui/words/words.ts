import type { Language } from "../../operator/words/language.ts";
import { english, type UiWords } from "./english.ts";
import { indonesian } from "./indonesian.ts";

export const uiWordsIn = (language: Language): UiWords => ({ en: english, id: indonesian })[language];
