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

/** Given name = first word, family name = the rest or "-". */
export function namesIn(whole: string): Names {
  const [givenName = "", ...rest] = whole.trim().split(/\s+/);
  return { givenName, familyName: rest.join(" ") || "-" };
}

/** The names that HikCentral takes. `cut`: one was over 256 characters. Rejects with `bad_name`. */
export function namesOf(name: unknown): Names & { cut: boolean } {
  if (typeof name !== "string") throw reject("bad_name", "name is missing or not a text: correct it in Eposh");
  const clean = name
    .toWellFormed()
    .replaceAll("'", "’")
    .replace(/[/\\:*?"<>|\p{Cc}\s]+/gu, " ");
  if (!/[^\s\p{C}]/u.test(clean))
    throw reject("bad_name", "name has no character that HikCentral accepts: correct it in Eposh");
  const whole = namesIn(clean);
  const [givenName, familyName] = [cutTo(maxName, whole.givenName), cutTo(maxName, whole.familyName)];
  return { givenName, familyName, cut: givenName !== whole.givenName || familyName !== whole.familyName };
}
