import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "citty";
import { exits } from "../../errors.ts";
import { builtIn, type RegisteredStage } from "../../registry/registry.ts";
import { temporarySdk } from "../../sdk/archive.ts";
import { decoderEnvironment } from "../../upstreams/decoder/decoder.ts";
import { folderArguments, localFolderOf, stageIn, stagesFor } from "./folder.ts";

export default defineCommand({
  meta: { name: "test", description: "Run a stage's own tests and the conformance tests" },
  args: { name: { type: "positional", required: true, description: "name of the stage" }, ...folderArguments },
  async run({ args }) {
    const registered = await stagesFor(localFolderOf(args));
    const one = stageIn(registered, args.name);
    using sdk = await temporarySdk("sdk.js");
    const file = join(sdk.folder, `${args.name}.test.ts`);
    writeFileSync(file, testOf(one, registered));
    // This program is itself a Bun with a test runner. n.b. Bun would read a bunfig.toml in the working directory.
    const { PATH = "", HOME = "", TMPDIR = "" } = process.env;
    const child = Bun.spawn([process.execPath, "test", "--preload", join(sdk.folder, "sdk.js"), file], {
      cwd: sdk.folder,
      env: { BUN_BE_BUN: "1", ...decoderEnvironment(), PATH, ...(HOME && { HOME }), ...(TMPDIR && { TMPDIR }) },
      stdio: ["ignore", "inherit", "inherit"],
    });
    return (await child.exited) === 0 ? exits.ok : exits.failed;
  },
});

/** Imports the stage's own test, if there is one, and runs the conformance tests with the `example` it exports. */
function testOf(one: RegisteredStage, registered: readonly RegisteredStage[]): string {
  const imports: string[] = ['import { builtinStage, conformance } from "hikvision-sync/testing";'];
  const expressionOf = ({ stage, origin }: RegisteredStage) => {
    if (origin === builtIn) return `builtinStage(${JSON.stringify(stage.name)})`;
    const name = `stage${imports.push(`import stage${imports.length} from ${JSON.stringify(origin)};`) - 1}`;
    return name;
  };
  const own = one.origin.replace(/\.([tj]s)$/, ".test.$1");
  const hasOwn = one.origin !== builtIn && existsSync(own);
  if (hasOwn) imports.push(`import * as own from ${JSON.stringify(own)};`);
  const stage = expressionOf(one);
  const others = registered.filter((other) => other !== one && related(one, other, registered)).map(expressionOf);
  return `${imports.join("\n")}
conformance(${stage}, { ...${hasOwn ? "own.example" : "{}"}, stages: [${others.join(", ")}] });
`;
}

/** Whether the other stage comes before it or right after it. Broken stages elsewhere do not matter. */
function related(
  { stage, successors }: RegisteredStage,
  other: RegisteredStage,
  registered: readonly RegisteredStage[],
): boolean {
  const before = new Set<string>();
  for (let name = stage.after; name !== undefined && !before.has(name); ) {
    before.add(name);
    name = registered.find((one) => one.stage.name === name)?.stage.after;
  }
  return before.has(other.stage.name) || successors.includes(other);
}
