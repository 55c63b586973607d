/** `npm run docs`: writes the tables of codes into docs/operating.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CodeEntries, cures, type Kind } from "../src/errors/code-entry.ts";
import { codes } from "../src/errors/codes.ts";

export const guideFile = join(import.meta.dir, "../docs/operating.md");

/** The guide with a table of the codes of a kind between each two of its marks. */
export const withCodes = (guide: string): string =>
  guide.replaceAll(/(<!-- npm run docs: ([a-z ]+) -->\n).*?(?=<!-- end -->)/gs, (_, mark: string, kind: Kind) => {
    return `${mark}\n${tableOf(kind)}\n\n`;
  });

function tableOf(kind: Kind): string {
  const entries = Object.entries<CodeEntries[string]>(codes).filter(([, { kinds }]) => kinds.includes(kind));
  const rows = Object.keys(cures).flatMap((wanted) => entries.filter(([, { cure }]) => cure === wanted));
  return [
    "| code | it means | what to do | cure |\n|---|---|---|---|",
    ...rows.map(([code, { meaning, todo, cure }]) => `| \`${code}\` | ${meaning} | ${todo} | ${cure} |`),
  ].join("\n");
}

if (import.meta.main) writeFileSync(guideFile, withCodes(readFileSync(guideFile, "utf8")));
