import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TOML } from "bun";

const guide = readFileSync(join(import.meta.dir, "../../docs/install.md"), "utf8");

function blocks(section: string, language: string): string[] {
  const text = guide.split(/^## /m).find((one) => one.startsWith(`${section}\n`));
  const found = [...(text ?? "").matchAll(new RegExp(`^\`\`\`${language}\\n(.+?)^\`\`\``, "gms"))];
  if (found.length === 0) throw new Error(`docs/install.md has no ${language} in its section ${section}`);
  return found.map(([, block = ""]) => block);
}

/** What docs/install.md has an operator type in that section, block by block, as it stands there. */
export const typed = (section: string): string[] => blocks(section, "bash");

/** The same, line by line. */
export const linesOf = (block = ""): string[] => block.replaceAll("\\\n", "").trim().split("\n");

/** A configuration in which the values that docs/install.md calls required are filled in: `section.key` → value. */
export function fillIn(config: string, values: Readonly<Record<string, string>>): string {
  const asked = TOML.parse(blocks("Configure", "toml").join("")) as Record<string, Record<string, string>>;
  let filled = config;
  for (const [section, keys] of Object.entries(asked))
    for (const key of Object.keys(keys)) {
      const empty = new RegExp(`(^\\[${section}\\]\\n(?:[^[].*\\n)*?${key} = )""`, "m");
      if (!empty.test(filled)) throw new Error(`the packaged configuration has no ${section}.${key} to be filled in`);
      filled = filled.replace(empty, `$1"${values[`${section}.${key}`]}"`);
    }
  return filled;
}
