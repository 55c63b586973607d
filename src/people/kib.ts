import { reject } from "../errors.ts";
import { exactText } from "../util/exact-json.ts";

/** What HikCentral's field of type text holds. */
const maxLength = 128;

/** The KIB number, undefined where there is none. Rejects with `bad_kib_number` what is neither text nor a whole number. */
export function kibNumberOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const kib = exactText(value);
  if (kib === undefined || kib.length > maxLength)
    throw reject(
      "bad_kib_number",
      `kib_number is neither a text of up to ${maxLength} characters nor a whole number: correct it in Eposh`,
    );
  return kib || undefined;
}

/** As kibNumberOf, but undefined for what that rejects: nothing but the KIB field depends on it. */
export function usableKibOf(value: unknown): string | undefined {
  const kib = exactText(value) ?? "";
  return kib.length > maxLength ? undefined : kib || undefined;
}
