import { reject } from "../errors.ts";
import { exactText } from "../util/exact-json.ts";

/** The personCode of an identity_number. Rejects with `bad_identity_number`; the text never quotes it. */
export function personCodeOf(value: unknown): string {
  const code = exactText(value);
  if (code === undefined)
    throw reject(
      "bad_identity_number",
      "identity_number is missing, or a number too large to be exact: correct it in Eposh",
    );
  if (!/^[\da-z]{1,16}$/i.test(code))
    throw reject("bad_identity_number", "identity_number is not 1 to 16 digits or letters: correct it in Eposh");
  if (/^(.)\1+$/.test(code))
    throw reject("bad_identity_number", "identity_number is one character repeated: correct it in Eposh");
  return code;
}
