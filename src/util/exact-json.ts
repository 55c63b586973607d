/** ES2026 source text access, which lib.esnext does not declare yet. */
const json = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

/** A number of so many digits, or with an exponent, may be an integer beyond 2^53. Within a text it only looks like one. */
const mayBeLarge = /(?:^|[:,[])\s*-?(?:\d{16}|[\d.]+e)/i;

const [quote, backslash, openingBrace, closingBrace, openingBracket, closingBracket] = [34, 92, 123, 125, 91, 93];
/** No record of a real system is nested deeper. */
const maxDepth = 100;

/**
 * JSON that travels unchanged: an integer beyond 2^53 keeps its digits when it is written again. 9171010101900003
 * would otherwise become somebody else's NIK. A schema sees such a number as an object, so it never passes as a number.
 */
export const parseJson = (text: string): unknown =>
  // To look at each value takes ten times as long, which is 15 ms of a list of 500 persons.
  mayBeLarge.test(text) || isDeep(text) ? json.parse(text, exactly) : JSON.parse(text);

/** To look at each value fails where the nesting is so deep that other work with it would exhaust the stack. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === quote) at = endOfString(text, at);
    else if (character === openingBrace || character === openingBracket) depth++;
    else if (character === closingBrace || character === closingBracket) depth--;
    if (depth > maxDepth) return true;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text.charCodeAt(before - 1) === backslash) before--;
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}

const exactly = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && source !== undefined
    ? json.rawJSON(source)
    : value;

/** A text, or a number that arrived exact, as trimmed text; undefined for anything else. */
export const exactText = (value: unknown): string | undefined =>
  typeof value === "string" || Number.isSafeInteger(value) ? String(value).trim() : undefined;
