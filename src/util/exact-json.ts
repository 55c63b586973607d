/** ES2026 source text access, which lib.esnext does not declare yet. */
const json = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
};

/** A number of so many digits, or with an exponent, may be an integer beyond 2^53. */
const manyDigits = 16;
/** No record of a real system is nested deeper. */
const maxDepth = 100;
/** To read it as it is takes a promise, which smaller ones are not worth. */
const largeBytes = 32 * 1024;

/**
 * JSON that travels unchanged: an integer beyond 2^53 keeps its digits when it is written again. 9171010101900003
 * would otherwise become somebody else's NIK. A schema sees such a number as an object, so it never passes as a number.
 */
export function parseJson(source: string | Uint8Array): unknown {
  const [text, bytes] =
    typeof source === "string" ? [source, Buffer.from(source)] : [new TextDecoder().decode(source), source];
  // To look at each value takes ten times as long, which is 15 ms of a list of 500 persons.
  return isPlain(bytes) ? JSON.parse(text) : json.parse(text, exactly);
}

/**
 * The same of a body that nobody needs any more: a large one may be empty afterwards. n.b. A daemon that reads lists is 9 MB
 * larger where each body, and the text that it becomes, wait for a garbage collection.
 */
export async function takeJson(body: Uint8Array): Promise<unknown> {
  if (body.length < largeBytes || body.length !== body.buffer.byteLength || !isPlain(body)) return parseJson(body);
  try {
    return await new Response(body as Uint8Array<ArrayBuffer>).json();
  } finally {
    (body.buffer as ArrayBuffer).transfer(0);
  }
}

const [quote, backslash, openingBrace, closingBrace, openingBracket, closingBracket] = [34, 92, 123, 125, 91, 93];
const [zero, nine, point, smallE, largeE] = [48, 57, 46, 101, 69];

/**
 * Whether all numbers are exact when they are read as usual. To look at each value fails where the nesting is so deep that
 * other work with it would exhaust the stack.
 */
function isPlain(bytes: Uint8Array): boolean {
  let [depth, digits] = [0, 0];
  let isFraction = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte >= zero && byte <= nine) digits += isFraction ? 0 : 1;
    else if (digits > 0 && (byte === smallE || byte === largeE)) return false;
    else if (byte === point) isFraction = true;
    else {
      digits = 0;
      isFraction = false;
    }
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === openingBrace || byte === openingBracket) depth++;
    else if (byte === closingBrace || byte === closingBracket) depth--;
    if (depth > maxDepth || digits >= manyDigits) return false;
  }
  return true;
}

function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at !== -1; at = bytes.indexOf(quote, at + 1)) {
    let before = at;
    while (bytes[before - 1] === backslash) before--;
    if ((at - before) % 2 === 0) return at;
  }
  return bytes.length;
}

const exactly = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && source !== undefined
    ? json.rawJSON(source)
    : value;

/** A text, or a number that arrived exact, as trimmed text; undefined for anything else. */
export const exactText = (value: unknown): string | undefined =>
  typeof value === "string" || Number.isSafeInteger(value) ? String(value).trim() : undefined;
