import { entryOf, keyOf } from "../../errors/codes.ts";
import { indonesianCodes } from "../../errors/indonesian/codes.ts";
import type { Language } from "./language.ts";

/** What a code means and what to do about it; undefined for a code that a site's own stage made up. */
export function codeTextIn(code: string, language: Language): { meaning: string; todo: string } | undefined {
  const entry = entryOf(code);
  if (entry === undefined || language === "en") return entry;
  return indonesianCodes[keyOf(code) as keyof typeof indonesianCodes] ?? entry;
}
