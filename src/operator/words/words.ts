import { english, type Words } from "./english.ts";
import { indonesian } from "./indonesian.ts";
import type { Language } from "./language.ts";

export const wordsIn = (language: Language): Words => ({ en: english, id: indonesian })[language];
