export const languages = ["en", "id"] as const;
export type Language = (typeof languages)[number];

export const isLanguage = (given: string | undefined): given is Language => languages.includes(given as Language);

/** The first one of `accepted` that there is; as `Accept-Language` and $LANG write them. */
export function languageOf(accepted: string | undefined): Language {
  const wanted = (accepted ?? "")
    .toLowerCase()
    .split(/[,:]/)
    .map((one) => one.trim().slice(0, 2));
  return wanted.map((one) => (one === "in" ? "id" : one)).find(isLanguage) ?? "en";
}
