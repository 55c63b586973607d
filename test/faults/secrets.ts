import { employee } from "../../src/simulator/people.ts";

/** What no output may show: the simulators' keys, a signature by its shape, any NIK. */
export const leaks: Readonly<Record<string, RegExp>> = {
  key: /contoh-(?:api-key|app-id|app-key|app-secret)/,
  // A run of 43 characters of Base64 with a digit, a small and a capital letter, and its "=".
  signature: /(?<![\w+/])(?=[\w+/]{43}=)(?=[A-Za-z+/]*\d)(?=[\d+A-Z/]*[a-z])(?=[\d+a-z/]*[A-Z])[\w+/]{43}=/,
  // After a point it is a fraction of a second.
  NIK: /(?<![\d.])(?:35\d{14}|9171010101900003)(?!\d)/,
};

/** The kinds that are in the text, each with the place where. */
export const leaksIn = (text: string): string[] =>
  Object.entries(leaks).flatMap(([kind, pattern]) => {
    const found = pattern.exec(text);
    return found ? [`${kind}: …${text.slice(Math.max(0, found.index - 60), found.index + 60)}…`] : [];
  });

/** One of each, as a careless line would have it. */
export const planted = (): string => {
  const nik = employee(1, 0, "").identity_number;
  const signature = new Bun.CryptoHasher("sha256", "contoh-app-secret").update("text").digest("base64");
  return `person ${nik} was sent with contoh-app-key and X-Ca-Signature ${signature}`;
};
