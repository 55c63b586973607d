import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CodeEntries } from "../../src/errors/code-entry.ts";
import { codes, entryOf } from "../../src/errors/codes.ts";
import { Reject, Retry, reject, retry, Unavailable, unavailable } from "../../src/errors.ts";
import type { Log } from "../../src/observability/log.ts";
import type { Context } from "../../src/stage.ts";

const entries = Object.entries<CodeEntries[string]>(codes);

test("a code that is not in the table does not compile", () => {
  const uses = (log: Log, { warn }: Context) => [
    // @ts-expect-error: no such code
    () => [new Retry("no_such_code", ""), new Reject("bad_name", "")],
    // @ts-expect-error: no such code
    () => [new Retry("eposh_busy", ""), new Reject("no_such_code", "")],
    // @ts-expect-error: no such code
    () => new Unavailable("eposh", "", { code: "no_such_code" }),
    // @ts-expect-error: no such code
    () => [retry("no_such_code", ""), reject("bad_name", "")],
    // @ts-expect-error: no such code
    () => [retry("hikcentral_code_777", ""), reject("no_such_code", "")],
    // @ts-expect-error: no such code
    () => unavailable("eposh", "", { code: "no_such_code" }),
    // @ts-expect-error: no such code
    () => warn("no_such_code", ""),
    // @ts-expect-error: no such code
    () => log.warn("", { code: "no_such_code" }),
    () => log.warn("", { code: "stalled" }),
  ];
  expect(uses).toBeFunction();
});

test("every code of the table is used", () => {
  const root = join(import.meta.dir, "../..");
  const files = [...new Bun.Glob("{stages,src}/**/*.ts").scanSync(root)].filter((file) => !/^src\/errors\//.test(file));
  const text = files.map((file) => readFileSync(join(root, file), "utf8")).join("\n");
  // Put together where they are used: from an upstream's name, and from HikCentral's number.
  const made = ["hikcentral_down", "hikcentral_code_<n>", "eposh_down"];
  expect(entries.map(([code]) => code).filter((code) => !text.includes(`"${code}"`))).toEqual(made);
});

test.each(entries)("%s is explained in whole sentences that fit into a table", (code, { meaning, todo }) => {
  expect(code).toMatch(/^[a-z]+(_[a-z]+)*(_<n>)?$/);
  for (const text of [meaning, todo]) expect(text).toMatch(/^[A-Z][^|\n]+\.$/);
});

test("an entry is read in plain text, and each code that HikCentral does not document has one", () => {
  expect(entryOf("hikcentral_wrong_key")?.todo).toBe("Set hikcentral.app_key to the key of the OpenAPI partner.");
  expect(entryOf("hikcentral_code_0x0ff00001")?.meaning).toContain("not documented");
  for (const code of ["no_such_code", "constructor", "", "hikcentral_code"]) expect(entryOf(code)).toBeUndefined();
});
