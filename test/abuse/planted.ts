import { budi, type Site } from "../support/site.ts";

/** What a terminal obeys, and what forges a line. */
export const attempts = {
  "clears the screen": "\x1b[2J\x1b[H",
  "sets the clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
  "goes back to the start of the line": "\rthrough",
  "C1 in place of ESC [": "\x9b2J",
  "begins a line": "\n<0>2026-01-05 forged",
  "a line separator": "\u2028<0>forged",
  "turns the direction": "\u202edrowssap\u2066",
} as const;
export const everything = Object.values(attempts).join("");

/** All control characters but the ends of lines, and all that forges one. */
const obeyed = /[^\P{Cc}\n\t]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const forged = /^(<0>|2026-01-05 forged|through)/m;

export const niks = ["3500003101900001", "3500003101900002", "3500003101900003", "3500003101900005"] as const;
/** Of a photo link, which lets anybody have the picture. */
const signature = "rahasia-tanda-tangan-1234";
export const tokens = { HTTP_TOKEN: "contoh-token-1234", HTTP_VIEW_TOKEN: "contoh-view-token-1234" } as const;

/** The keys that the site was given, the NIKs of its people and the signature of a photo link. */
const secretsOf = ({ env }: Pick<Site, "env">) => {
  const keys = ["EPOSH_API_KEY", "EPOSH_APP_ID", "HIKCENTRAL_APP_KEY", "HIKCENTRAL_APP_SECRET"] as const;
  return [...niks, signature, ...Object.values(tokens), ...keys.map((key) => env[key])];
};

/** Everything in a text that must not be there, by what it is. */
export function leaksIn(text: string, site: Pick<Site, "env">): string[] {
  const patterns: [string, RegExp][] = [
    ["what a terminal obeys", obeyed],
    ["a forged line", forged],
  ];
  return [
    ...secretsOf(site).filter((secret) => text.includes(secret)),
    ...patterns.flatMap(([what, pattern]) => {
      const found = pattern.exec(text);
      return found ? [`${what}: ${JSON.stringify(text.slice(Math.max(0, found.index - 80), found.index + 20))}`] : [];
    }),
  ];
}

/** Records that hold all of it, wherever a person can write at Eposh. */
export function hostilePeople(site: Pick<Site, "eposh">) {
  const zones = [{ name: `Zona ${everything}`, slug: `zona-${everything}` }];
  const link = `https://foto.example/${everything}.jpg?X-Goog-Signature=${signature}`;
  return [
    budi(site, { identity_number: niks[0], name: `Budi ${everything} Contoh`, kib_number: everything }),
    budi(site, { identity_number: niks[1], name: `Siti ${everything}`, kib_number: "2600002", regionals: zones }),
    budi(site, { identity_number: everything, name: `Agus ${everything}`, kib_number: `26${everything}` }),
    budi(site, { identity_number: niks[2], name: "Dewi Contoh", kib_number: "2600004" }),
    budi(site, {
      identity_number: niks[3],
      name: `Wati ${niks[3]} ${everything}`,
      kib_number: "2600005",
      photo: { link },
    }),
  ];
}

/** Makes a person of HikCentral with the NIK of one of them, who is somebody else; no rule of HikCentral's holds there. */
export function seedHostilePerson({ hikcentral }: Pick<Site, "hikcentral">): void {
  const person = hikcentral.seed({
    personCode: niks[2],
    personGivenName: "Joko",
    personFamilyName: "Lain",
    remark: "",
    beginTime: "2026-01-05T00:00:00+07:00",
    endTime: "2030-12-31T23:59:59+07:00",
  });
  Object.assign(person, { personGivenName: `Joko ${everything}`, remark: `catatan ${everything}` });
  person.customFields["1"] = everything;
}
