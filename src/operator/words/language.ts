export const languages = ["en", "id"] as const;
export type Language = (typeof languages)[number];

export const isLanguage = (given: string | undefined): given is Language => languages.includes(given as Language);

/** The most wanted one of `accepted` that there is; as `Accept-Language` and $LANG write them. */
export function languageOf(accepted: string | undefined): Language {
  const wanted = (accepted ?? "")
    .toLowerCase()
    .split(/[,:]/)
    .map((one) => {
      const [, name = "", weight = "1"] = /^\s*([a-z]{2})(?![a-z])[^;]*(?:;\s*q=([\d.]+))?/.exec(one) ?? [];
      return { language: name === "in" ? "id" : name, weight: Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  return wanted.map(({ language }) => language).find(isLanguage) ?? "en";
}
