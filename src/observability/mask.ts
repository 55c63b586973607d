import querystring from "node:querystring";

/**
 * Replaces every secret, with its parts if it is an address, encoded or not, and every run of 16 digits or more, which may be
 * a NIK. n.b. A NIK with spaces or hyphens is not recognised.
 */
export interface Mask {
  (text: string): string;
  /** Secrets under 4 characters are not masked: they would blot out ordinary words. */
  hide(secrets: Iterable<string>): void;
}

export function createMask(secrets: Iterable<string> = []): Mask {
  const hidden = new Set<string>();
  let pattern = /\d{16,}/g;
  const mask = (text: string) => text.replace(pattern, (found) => (/^\d{16,}$/.test(found) ? "[nik]" : "[secret]"));
  const hide = (more: Iterable<string>) => {
    for (const secret of more) {
      for (const part of partsOf(secret))
        if (part.length >= 4) for (const form of formsOf(part)) hidden.add(RegExp.escape(form));
    }
    const longestFirst = [...hidden].sort((a, b) => b.length - a.length);
    // The digits around a secret go with it: they may be the rest of a NIK that a short secret is a part of.
    if (hidden.size > 0) pattern = new RegExp(`\\d*(?:${longestFirst.join("|")})\\d*|\\d{16,}`, "g");
  };
  hide(secrets);
  return Object.assign(mask, { hide });
}

/** An address may be shown in part: its password, the values of its query, and what is too long for a word of a path. */
function partsOf(secret: string): string[] {
  const url = URL.parse(secret);
  if (url === null) return [secret];
  const { password, protocol, pathname, searchParams } = url;
  const segments = /^https?:$/.test(protocol) ? pathname.split("/").filter(({ length }) => length >= 16) : [];
  return [secret, ...(password === "" ? [] : [password, `:${password}@`]), ...searchParams.values(), ...segments];
}

/** As it stands, decoded, and as a URL and JSON write it. n.b. decodeURIComponent throws at what is no UTF-8. */
function formsOf(part: string): string[] {
  const plain = [part, querystring.unescape(part)];
  const encoded = plain.map(encodeURIComponent);
  const lowerCase = encoded.map((form) => form.replace(/%../g, (byte) => byte.toLowerCase()));
  return [...plain, ...encoded, ...lowerCase, ...plain.map((form) => JSON.stringify(form).slice(1, -1))];
}
