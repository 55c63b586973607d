import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/binary.ts";
import { folderWith, stageText } from "../support/stage-files.ts";

const ends = "run() {},";
const hangs = `import { v } from "hikvision-sync";
setInterval(() => v, 1_000);
await new Promise(() => {});
export default 1;
`;
const throws = `import { v } from "hikvision-sync";
interface Unused {
  a: string;
}
const nobody: Unused | undefined = undefined;
throw new Error(\`nobody is \${nobody} \${typeof v}\`);
`;

/** File, text, and what is said of it: the line, then a part of the text. */
const refusals: [what: string, file: string, text: string, line: number, said: string][] = [
  ["a syntax error", "syntax.ts", "export const odd = {\n  a: ;\n};\n", 2, 'Syntax error: unexpected ";"'],
  ["a throw at import", "throws.ts", throws, 6, "the import throws: nobody is undefined"],
  ["a top-level await that never ends", "hangs.ts", hangs, 3, "move what it awaits into run"],
  [
    "no default export",
    "none.ts",
    "export const stage = 1;\n",
    1,
    "no default export. Write export default defineStage",
  ],
  ["what is no stage", "five.ts", "\nexport default 5;\n", 2, "not a stage. Write export default defineStage"],
  ["a stage without run", "idle.ts", stageText("idle", "concurrency: 1,"), 2, "run is missing"],
  ["a name not the file's", "other.ts", stageText("another", ends), 3, "named another, but its file other"],
  ["a name that is taken", "twice.ts", stageText("twice", ends), 3, "already has the name twice"],
  [
    "a run longer than RabbitMQ waits",
    "long.ts",
    stageText("long", `deadlineMs: 1_500_001, ${ends}`),
    7,
    "at most 1500000",
  ],
  ["a queue that is taken", "queue.ts", stageText("queue", ends, { queue: "hikvision_queue" }), 4, "publisher"],
  [
    "an unknown after",
    "lost.ts",
    stageText("lost", ends, { after: "nowhere" }),
    5,
    "names an unknown stage nowhere; the stages are",
  ],
  ["a circle", "egg.ts", stageText("egg", ends, { after: "hen" }), 5, "egg after hen after egg; break the circle"],
  [
    "the other end of it",
    "hen.ts",
    stageText("hen", ends, { after: "egg" }),
    5,
    "hen after egg after hen; break the circle",
  ],
  ["an unknown import", "import.ts", 'import x from "lodash";\nexport default x;\n', 1, 'Could not resolve: "lodash"'],
  [
    "an unknown name in an import",
    "bogus.ts",
    '\nimport { bogus } from "hikvision-sync";\nexport default bogus;\n',
    2,
    "bogus",
  ],
  [
    "options that do not match",
    "asks.ts",
    stageText("asks", `options: v.object({ url: v.string() }), ${ends}`),
    7,
    "url is missing",
  ],
  [
    "an option that it has not",
    "asks.ts",
    stageText("asks", `options: v.object({ url: v.string() }), ${ends}`),
    7,
    "unknown option urll; the options are url",
  ],
  [
    "a schema of another kind",
    "plain.ts",
    stageText("plain", `${ends}`).replace(/v\.loose.*/, "{},"),
    6,
    "made with v",
  ],
  ["run that is no function", "five-runs.ts", stageText("five-runs", "run: 5,"), 7, "run must be a function"],
  [
    "a getter that throws",
    "getter.ts",
    "\nexport default { get name() { throw new Error('boo'); } };\n",
    2,
    "throws boo",
  ],
  ["a throw of nothing", "nothing.js", "\nthrow undefined;\n", 2, "something that is not an error was thrown"],
  ["an empty file", "empty.ts", "", 1, "no default export"],
  ["an end of the daemon", "exit.ts", "\nprocess.exit(0);\n", 2, "would end the daemon; return or throw instead"],
  ["a queue of dead letters", "dead.ts", stageText("dead", ends, { queue: "hikvision_queue.dead" }), 4, "not end in"],
  ["a queue of retries", "again.ts", stageText("again", ends, { queue: "site_a.retry.5s" }), 4, "not end in .dead or"],
  [
    "a misspelt property",
    "typo.ts",
    stageText("typo", `afer: "x", ${ends}`),
    7,
    "afer is an unknown property; the properties are",
  ],
  ["JSON that is none", "lib/broken.json", '{"a": ', 1, "Syntax error: unexpected end of file"],
  ["a stage after itself", "itself.ts", stageText("itself", ends, { after: "itself" }), 5, "itself after itself"],
  ["a promise of a stage", "promised.ts", "export default new Promise(() => {});\n", 1, "name is missing"],
  [
    "an overriding file whose queue is taken",
    "update-kib.ts",
    stageText("update-kib", ends, { queue: "hikvision_queue", after: "create-person" }),
    4,
    "stage publisher already has the queue hikvision_queue; choose another queue for update-kib",
  ],
  ["a file that anybody may write", "open.ts", stageText("open", ends), 1, "chmod go-w"],
  ["a part that anybody may write", "lib/open.ts", "export const open = 1;\n", 1, "imported by"],
  ["a file of somebody else", "foreign.ts", stageText("foreign", ends), 1, "chown root"],
];

describe("the binary refuses, all at once and with file and line,", async () => {
  const folder = folderWith({
    ...Object.fromEntries(refusals.map(([, file, text]) => [file, text])),
    "twice.js": 'export { default } from "./twice.ts";\n',
    "uses-open.ts": 'import { open } from "./lib/open.ts";\nexport default open;\n',
    "json.ts": 'import x from "./lib/broken.json";\nexport default x;\n',
    "fine.ts": stageText("fine", ends),
    "fine-folder.ts/fine.ts": "throw new Error('a folder is no stage');\n",
    "fine.test.ts": "throw new Error('a test is no stage');\n",
    "fine.d.ts": "export const a: 1;\n",
    "._fine.ts": "\0 what is hidden is no stage",
  });
  for (const file of ["open.ts", "lib/open.ts"]) chmodSync(join(folder, file), 0o666);
  if (process.getuid?.() === 0) chownSync(join(folder, "foreign.ts"), 65534, 65534);
  writeFileSync(join(folder, "config.toml"), `[stages]\nfolder = "${folder}"\n[stages.asks]\nurll = "secret-value"\n`);
  const { exit, out, err } = await run(["stages", "--config", join(folder, "config.toml")]);
  const lines = err.split("\n");

  test.each(refusals)("%s", (what, file, _, line, said) => {
    if (file === "foreign.ts" && process.getuid?.() !== 0) return;
    const own = lines.filter((text) => text.startsWith(`${join(folder, file)}:${line}: `));
    expect(
      own.some((text) => text.includes(said)),
      `${what}: ${own.join("; ")}\n${err}`,
    ).toBe(true);
  });

  test("with 78, without a word about what is right and without values", () => {
    expect({ exit, out }).toEqual({ exit: 78, out: "" });
    expect(err).not.toContain("fine.");
    expect(err).not.toContain("secret-value");
  });
});

test("serve and check refuse as well, and serve does not listen", async () => {
  const folder = folderWith({ "none.ts": "export const a = 1;\n" });
  const env = {
    STAGES_FOLDER: folder,
    STATE_FOLDER: folder,
    EPOSH_URL: "http://127.0.0.1:9/employees",
    EPOSH_API_KEY: "eposh-key-1",
    EPOSH_APP_ID: "eposh-app-1",
    HIKCENTRAL_URL: "http://127.0.0.1:9",
    HIKCENTRAL_APP_KEY: "hik-key-1",
    HIKCENTRAL_APP_SECRET: "hik-secret-1",
    HTTP_PORT: "0",
  };
  for (const command of ["serve", "check"]) {
    const { exit, out, err } = await run(command, env);
    expect(exit, err).toBe(78);
    expect(err).toContain(`${folder}/none.ts:1: `);
    expect(out).not.toContain("trigger");
  }
});

test("a folder that others may write is refused before anything in it is run", async () => {
  const folder = folderWith({
    "witness.ts": 'await Bun.write(process.env.HOME + "/was-run", "");\nexport default 1;\n',
  });
  chmodSync(folder, 0o777);
  const { exit, err } = await run("stages", { STAGES_FOLDER: folder, HOME: folder });
  expect({ exit, err }).toEqual({
    exit: 78,
    err: `${folder}/witness.ts:1: its folder can be written by others: chmod go-w ${folder}\n`,
  });
  expect(await Bun.file(join(folder, "was-run")).exists()).toBe(false);
});

test("a stage of the configuration that is none, disabled or set up, is refused with the others", async () => {
  const env = { STAGES_DISABLED: "apply-access,create-persn", STAGES_FOLDER: folderWith({ "none.ts": "" }) };
  const { exit, err } = await run("stages", env);
  expect(exit).toBe(78);
  expect(err).toContain(
    "configuration: stages.disabled names an unknown stage create-persn; the stages are apply-access, ",
  );
  expect(err).toContain("/none.ts:1: ");
});

test("what a link leads to is looked at as well", async () => {
  const elsewhere = folderWith({ "linked.ts": stageText("linked", ends) });
  chmodSync(elsewhere, 0o777);
  const folder = folderWith({});
  symlinkSync(join(elsewhere, "linked.ts"), join(folder, "linked.ts"));
  symlinkSync("/nonexistent", join(folder, "dangling.ts"));
  const { exit, err } = await run("stages", { STAGES_FOLDER: folder });
  expect(exit).toBe(78);
  expect(err).toContain(`${folder}/dangling.ts:1: ENOENT`);
  expect(err).toContain(`${elsewhere}: imported by ${folder}/linked.ts, and it can be written by others: chmod go-w`);
});

test("a folder that is not there is said with its next step", async () => {
  const { exit, err } = await run("stages", { STAGES_FOLDER: "/nonexistent/stages" });
  expect({ exit, err }).toEqual({
    exit: 78,
    err: expect.stringContaining("remove stages.folder from the configuration"),
  });
});
