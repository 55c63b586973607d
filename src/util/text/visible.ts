/**
 * Control characters, line separators and marks that turn the direction of a text (U+202E) are shown as text, e.g. `\x1b`:
 * what strangers write, such as names, must not move a cursor, forge a line or swap what an operator reads.
 */
const invisible = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  return short[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
}

/** In one line. */
export const visible = (text: string): string => text.replace(invisible, escaped);

/** As `visible`, but its lines, its tabs and what matches `keep`, from the start of an escape, stay. */
export const visibleLines = (text: string, keep?: RegExp): string =>
  text.replace(invisible, (character, at: number) => {
    if (character === "\n" || character === "\t") return character;
    if (keep === undefined) return escaped(character);
    keep.lastIndex = at;
    return keep.test(text) ? character : escaped(character);
  });

/** The same JSON, with escapes for what would be invisible. `JSON.stringify` leaves the characters above U+007F. */
export const visibleJson = (json: string): string =>
  json.replace(invisible, (character) =>
    character < " " ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Every string in a value that came as JSON, in one line each. */
export function visibleIn<T>(value: T): T {
  if (typeof value === "string") return visible(value) as T;
  if (Array.isArray(value)) return value.map(visibleIn) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [visible(name), visibleIn(inner)])) as T;
}
