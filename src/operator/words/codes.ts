import { entryOf } from "../../errors/codes.ts";
import { indonesianCodes } from "../../errors/indonesian/codes.ts";
import type { Language } from "./language.ts";

/** What a code means and what to do about it; undefined for a code that a site's own stage made up. */
export function codeTextIn(code: string, language: Language): { meaning: string; todo: string } | undefined {
  const entry = entryOf(code);
  if (entry === undefined || language === "en") return entry;
  const key = code.startsWith("hikcentral_code_") ? "hikcentral_code_<n>" : code;
  return indonesianCodes[key as keyof typeof indonesianCodes] ?? entry;
}
