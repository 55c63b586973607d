import { reject } from "../errors.ts";

const maxName = 256;

export interface Names {
  givenName: string;
  familyName: string;
}

function cutTo(length: number, text: string): string {
  // n.b. toWellFormed: the cut may fall between the two halves of a character.
  return text.length <= length
    ? text
    : text
        .slice(0, length)
        .toWellFormed()
        .replace(/\ufffd$/, "")
        .trimEnd();
}

/** n.b. To Unicode ʼ is a letter too, and so are some that decompose into marks alone; neither tells people apart. */
export const hasLetter = (text: string) => /(?!\p{Lm})\p{L}/u.test(text.normalize("NFKC"));

/** Given name = first word, family name = the rest or "-". */
export function namesIn(whole: string): Names {
  const [givenName = "", ...rest] = whole.trim().split(/\s+/);
  return { givenName, familyName: rest.join(" ") || "-" };
}

/** As a human writes it. */
export const wholeName = ({ givenName, familyName }: Names): string =>
  familyName === "-" ? givenName : `${givenName} ${familyName}`;

/** Without what HikCentral forbids. */
export const cleanName = (name: string): string =>
  name
    .toWellFormed()
    .replaceAll("'", "’")
    .replace(/[/\\:*?"<>|\p{Cc}\s]+/gu, " ");

/** The names that HikCentral takes. `cut`: one was over 256 characters. Rejects with `bad_name`. */
export function namesOf(name: unknown): Names & { cut: boolean } {
  if (typeof name !== "string") throw reject("bad_name", "name is missing or not a text: correct it in Eposh");
  const whole = namesIn(cleanName(name));
  const [givenName, familyName] = [cutTo(maxName, whole.givenName), cutTo(maxName, whole.familyName)];
  if (!hasLetter(givenName + familyName)) throw reject("bad_name", "name has no letter: correct it in Eposh");
  return { givenName, familyName, cut: givenName !== whole.givenName || familyName !== whole.familyName };
}

/** What of the known person's name must change. */
export const changedNames = (known: Names, { givenName, familyName }: Names): Partial<Names> => ({
  ...(givenName !== known.givenName && { givenName }),
  ...(familyName !== known.familyName && { familyName }),
});
