import type { codes } from "../codes.ts";
import { comparisonCodes } from "./comparison-codes.ts";
import { platformCodes } from "./platform-codes.ts";
import { recordCodes } from "./record-codes.ts";

interface CodeText {
  readonly meaning: string;
  readonly todo: string;
}

type Pairs = Readonly<Partial<Record<keyof typeof codes, readonly [meaning: string, todo: string]>>>;
const pairs: Pairs = { ...recordCodes, ...comparisonCodes, ...platformCodes };

/** The table of codes in Indonesian. A code that is missing here is shown in English. */
export const indonesianCodes: Readonly<Partial<Record<keyof typeof codes, CodeText>>> = Object.fromEntries(
  Object.entries(pairs).map(([code, [meaning, todo]]) => [code, { meaning, todo }]),
);
