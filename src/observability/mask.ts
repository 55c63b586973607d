/**
 * Replaces every secret, also in the form that a URL or JSON gives it, and every run of 16 digits or more, which may be
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
      const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
      if (secret.length >= 4) for (const form of forms) hidden.add(RegExp.escape(form));
    }
    const longestFirst = [...hidden].sort((a, b) => b.length - a.length);
    // The digits around a secret go with it: they may be the rest of a NIK that a short secret is a part of.
    if (hidden.size > 0) pattern = new RegExp(`\\d*(?:${longestFirst.join("|")})\\d*|\\d{16,}`, "g");
  };
  hide(secrets);
  return Object.assign(mask, { hide });
}
