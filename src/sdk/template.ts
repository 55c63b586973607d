/** What the stages before it return, as an author would write it. */
const messages: Record<string, string> = {
  induction:
    'v.looseObject({ event: v.literal("HIKVISION_SYNC"), data: v.looseObject({ data: v.array(v.unknown()) }) })',
  publisher: "v.looseObject({ employee: v.looseObject({}) })",
  "create-person": "v.looseObject({ personId: v.string(), employee: v.looseObject({}) })",
  "update-kib": "v.looseObject({ personId: v.string(), privilege_groups: v.array(v.string()) })",
  "assign-privilege": "v.looseObject({ personId: v.string(), privilege_groups: v.array(v.string()) })",
};

/** A stage that works as it is, for its author to change. */
export function stageText(name: string, after: string | undefined): string {
  const message = messages[after ?? ""] ?? "v.looseObject({})";
  const who = message.includes("personId") ? `person \${message.personId}` : "a message";
  return `import { defineStage, v } from "hikvision-sync";

/**
 * ${name}: describe here what this stage is for.
 *
 * What it returns goes to the stages that name it in \`after\`. If there are any, returning nothing is an error, and
 * \`return end("why")\` ends the message on purpose. It fails by throwing
 *   retry("code", "text")   try this message again later; after the last delay it is a dead letter
 *   reject("code", "text")  a dead letter at once: it will never work as it is
 *   unavailable("name")     that system is down: pause this stage; no attempt is counted
 * and anything else that it throws counts as retry. It may run twice with one message (a crash, a lost answer) and must
 * then leave the same state behind: look before you write. Pass \`signal\` to everything that you await.
 *
 * Try it:    hikvision-sync stages check, then stages test ${name}, then stages run ${name} --message FILE --dry-run
 * Use it:    stages.folder in the configuration names the folder. A restart applies a changed file, with systemd
 *            systemctl restart hikvision-sync. It takes about a second and loses nothing: work in progress is finished
 *            first, and the rest waits in its queue.
 */
export default defineStage({
  // The name of this file.
  name: "${name}",
  // A queue of its own.
  queue: "site_${name.replaceAll("-", "_")}",
${after === undefined ? "  // Without `after` no stage fills the queue: another program must.\n" : `  after: "${after}",\n`}\
  // Checked before run sees it: a message that does not match is a dead letter.
  message: ${message},
  // From [stages.${name}] in the configuration, or STAGES_${name.replaceAll("-", "_").toUpperCase()}_GREETING in the environment. A key or a
  // password is v.secret(): it prints as [secret], and options.password.reveal() gives it.
  options: v.object({ greeting: v.optional(v.string(), "Seen") }),
  async run(message, { options, log }) {
    log.info(\`\${options.greeting}: ${who}\`);
    return message;
  },
});
`;
}

/** The stage's own test, beside the conformance tests. */
export function testText(name: string, after: string | undefined): string {
  const pass = after === undefined ? "example" : "{}";
  return `import { expect, test } from "bun:test";
import { type Example, openSandbox } from "hikvision-sync/testing";
import stage from "./${name}.ts";

/**
 * \`hikvision-sync stages test ${name}\` also runs the conformance tests with this example: the same result when run
 * twice, no secret in a log line, and so on.${after === undefined ? "" : " Without a message it gets what the earlier stages make of an employee."}
 */
export const example = {${after === undefined ? ' message: { say: "hello" } ' : ""}};

test("passes its message on", async () => {
  // A simulated HikCentral and Eposh, and sandbox.upstream for a system of your own.
  await using sandbox = await openSandbox();
  const { outcome, returned } = await sandbox.execute(stage, ${pass});
  expect(outcome).toBe("done");
  expect(returned).toHaveLength(1);
  expect(sandbox.log()).toContain("Seen");
});
`;
}

export const tsconfigText = `${JSON.stringify(
  {
    compilerOptions: {
      target: "esnext",
      module: "preserve",
      moduleResolution: "bundler",
      lib: ["esnext"],
      typeRoots: ["./.types"],
      types: ["bun"],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
    },
    include: ["**/*.ts"],
  },
  undefined,
  2,
)}\n`;
