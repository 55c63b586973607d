import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { defineCommand } from "citty";
import { Exit, exits } from "../../errors.ts";
import { builtinNames, stageNamesIn } from "../../registry/builtin.ts";
import { unpackSdk } from "../../sdk/archive.ts";
import { stageText, testText, tsconfigText } from "../../sdk/template.ts";
import { closest } from "../../util/closest.ts";
import { print } from "../output.ts";
import { folderArguments, localFolderOf } from "./folder.ts";

export default defineCommand({
  meta: { name: "new", description: "Create a stage, its test, and types for an editor" },
  args: {
    name: { type: "positional", required: true, description: "lower-case words with hyphens" },
    after: { type: "string", valueHint: "stage", description: "the stage whose results it takes" },
    ...folderArguments,
  },
  async run({ args }) {
    const { name, after } = args;
    const { folder } = localFolderOf(args);
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(name))
      throw new Exit(exits.usage, `${name} is not a valid stage name: use lower-case words with hyphens`);
    if (builtinNames.includes(name)) throw new Exit(exits.usage, `${name} is built in: choose another name`);
    const known = stageNamesIn(folder);
    if (after !== undefined && !known.includes(after)) {
      const like = closest(after, known);
      const hint = like ? `did you mean ${like}?` : `the stages are ${known.join(", ")}`;
      throw new Exit(exits.usage, `--after names an unknown stage ${after}: ${hint}`);
    }
    const path = (file: string) => join(folder, file);
    const files = { [`${name}.ts`]: stageText(name, after), [`${name}.test.ts`]: testText(name, after) };
    const taken = Object.keys(files).find((file) => existsSync(path(file)));
    if (taken) throw new Exit(exits.usage, `${path(taken)} already exists: choose another name, or remove it`);

    mkdirSync(folder, { recursive: true, mode: 0o755 });
    for (const [file, text] of Object.entries(files)) writeFileSync(path(file), text, { mode: 0o644 });
    if (!existsSync(path("tsconfig.json"))) writeFileSync(path("tsconfig.json"), tsconfigText, { mode: 0o644 });
    rmSync(path(".types"), { recursive: true, force: true });
    await unpackSdk(folder, { "types/": ".types" });
    const shown = (file: string) => relative(process.cwd(), path(file));
    const where = args.folder === undefined ? "" : ` --folder ${args.folder}`;
    print(`${shown(`${name}.ts`)}: the stage; edit it\n${shown(`${name}.test.ts`)}: its test`);
    print(`${shown("tsconfig.json")} and ${shown(".types")}: for the editor`);
    print(`Next: hikvision-sync stages check${where}, then hikvision-sync stages test ${name}${where}`);
  },
});
