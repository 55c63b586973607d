import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../support/leaks.ts";

test("a test that leaves a site, a daemon or a timer open fails, and the others do not", async () => {
  const support = JSON.stringify(join(import.meta.dir, "../support/leaks.ts"));
  const file = join(temporaryFolder(), "leaky.test.ts");
  writeFileSync(
    file,
    `import { test } from "bun:test";
     import { mustClose, temporaryFolder } from ${support};
     mustClose({}, "a site of the whole file");
     test("keeps a site", () => void mustClose({}, "a site"));
     test("closes a site", () => mustClose({}, "a site")());
     test("keeps a timer", () => void setInterval(() => {}, 1_000));
     test("ends a timer", () => clearInterval(setInterval(() => {}, 1_000)));
     test("keeps no process alive", () => void setTimeout(() => {}, 1_000).unref());`,
  );
  const child = Bun.spawn([process.execPath, "test", file], { stdout: "ignore", stderr: "pipe" });
  const [said] = await Promise.all([child.stderr.text(), child.exited]);
  expect(said.match(/^\((?:pass|fail)\) [\w ]+|^error: .*/gm)).toEqual([
    "error: this test leaves open: a site",
    "(fail) keeps a site ",
    "(pass) closes a site ",
    "error: this test leaves open: a timer (setInterval of 1000 ms)",
    "(fail) keeps a timer ",
    "(pass) ends a timer ",
    "(pass) keeps no process alive ",
  ]);
});
