import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { folderWith, stageText } from "../support/stage-files.ts";

/** What a file of the stages folder can hold, and what `check` says of it. */
const attempts: [string, string, RegExp][] = [
  ["a macro", 'import { f } from "./open/macro.ts" with { type: "macro" };\nexport default f();', /imports a macro/],
  [
    "a macro in escapes",
    'import { f } from "./open/macro.ts" with { type: "m\\u0061cro" };\nexport default f();',
    /imports a macro/,
  ],
  ["a macro by its prefix", 'import { f } from "macro:./open/macro.ts";\nexport default f();', /imports a macro/],
  ["an endless loop", "for (;;);\nexport default {};", /does not come back within 5000 ms/],
  [
    "an endless wait in a property",
    "export default { get name() { for (;;) Bun.sleepSync(1000); } };",
    /does not come back within 5000/,
  ],
  ["a Proxy", "export default new Proxy({}, { get() { throw new Error(); } });", /the default export is a Proxy/],
];

test.each(attempts)("%s is refused by name, and nothing of it runs unseen", async (_, source, words) => {
  const folder = folderWith({ "odd.ts": source, "good.ts": stageText("good", 'run: async () => h.end("")') });
  mkdirSync(join(folder, "open"));
  const ran = join(folder, "ran");
  await Bun.write(
    join(folder, "open/macro.ts"),
    `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(ran)}, "");\nexport const f = () => 1;\n`,
  );
  chmodSync(join(folder, "open"), 0o777);
  const { exit, err } = await run("stages", { STAGES_FOLDER: folder });
  expect([exit, err]).toEqual([78, expect.stringMatching(words)]);
  expect(err).toContain("odd.ts");
  expect(existsSync(ran)).toBe(false);
});

test("a folder above the stages folder that others may write is named", async () => {
  const above = join(temporaryFolder(), "above");
  const folder = join(above, "stages");
  mkdirSync(folder, { recursive: true });
  await Bun.write(join(folder, "one.ts"), stageText("one", ""));
  chmodSync(folder, 0o755);
  chmodSync(above, 0o777);
  const { exit, err } = await run("stages", { STAGES_FOLDER: folder });
  expect([exit, err]).toEqual([78, expect.stringContaining(`is in ${above}, which can be written by others`)]);
});
