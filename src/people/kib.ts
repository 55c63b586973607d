import { reject } from "../errors.ts";
import { exactText } from "../util/exact-json.ts";

/** The KIB number, undefined where there is none. Rejects with `bad_kib_number` what is neither text nor a whole number. */
export function kibNumberOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const kib = exactText(value);
  if (kib === undefined || kib.length > 128)
    throw reject(
      "bad_kib_number",
      "kib_number is neither a text of up to 128 characters nor a whole number: correct it in Eposh",
    );
  return kib || undefined;
}
