import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "citty";
import { Exit, exits } from "../../errors.ts";
import { typeProblems } from "../../sdk/typecheck.ts";
import { print } from "../output.ts";
import { folderArguments, localFolderOf, stagesFor } from "./folder.ts";

export default defineCommand({
  meta: { name: "check", description: "Check the types and the contract of your stages" },
  args: folderArguments,
  async run({ args }) {
    const found = localFolderOf(args);
    const { folder, isConfigured } = found;
    if (!existsSync(folder))
      throw new Exit(exits.config, `the folder ${folder} does not exist. Create it: hikvision-sync stages new NAME`);
    const files = readdirSync(folder).filter((name) => /^[^.].*(?<!\.d)\.[tj]s$/.test(name));
    const [types, registered] = await Promise.allSettled([
      typeProblems(files.map((name) => join(folder, name))),
      stagesFor(found),
    ]);
    if (types.status === "rejected") throw types.reason;
    const refusal: unknown = registered.status === "rejected" ? registered.reason : undefined;
    if (refusal !== undefined && !(refusal instanceof Exit)) throw refusal;
    const problems = [...types.value, ...(refusal ? [refusal.message] : [])];
    if (problems.length > 0) throw new Exit(exits.config, problems.join("\n"));
    const own =
      registered.status === "fulfilled" ? registered.value.filter(({ origin }) => origin.startsWith(folder)) : [];
    print(`ok: types of ${files.length} files in ${folder}`);
    print(`ok: contract of ${own.map(({ stage }) => stage.name).join(", ") || "no stage"}`);
    if (!isConfigured) print(`Next: set stages.folder = "${folder}" in the configuration`);
  },
});
