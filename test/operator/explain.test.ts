import { expect, test } from "bun:test";
import { codes } from "../../src/errors/codes.ts";
import { run } from "../support/binary.ts";

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

test("a code is explained without a configuration and a daemon: what it means, what to do, where the cure lies", async () => {
  const { exit, out, err } = await run("explain organisation_missing");
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(/^meaning {5}The organisation does not exist in HikCentral/m);
  expect(out).toMatch(/^what to do {2}Correct hikcentral\.organisation/m);
  expect(out).toMatch(/^cure {8}setup: the configuration, or the settings and rights in HikCentral$/m);
  expect(out).toMatch(/^seen as {5}pause$/m);
});

test("all codes are listed in a table, and none of it is wider than a terminal", async () => {
  const { exit, out } = await run("explain");
  expect(exit).toBe(0);
  expect(widest(out)).toBeLessThanOrEqual(80);
  for (const code of Object.keys(codes)) expect(out).toContain(`\n${code} `);
  const length = (code: keyof typeof codes) => codes[code].meaning.length + codes[code].todo.length;
  const [longest = ""] = (Object.keys(codes) as (keyof typeof codes)[]).sort((a, b) => length(b) - length(a));
  const explained = await run(["explain", longest]);
  expect(explained.out.split("\n").length).toBeGreaterThan(6);
  expect(widest(explained.out)).toBeLessThanOrEqual(80);
});

test("both can be had as JSON", async () => {
  const { codes: all } = JSON.parse((await run("explain --json")).out) as { codes: { code: string }[] };
  expect(all.map(({ code }) => code).sort()).toEqual(Object.keys(codes).sort());
  const one: unknown = JSON.parse((await run("explain hikcentral_code_777 --json")).out);
  expect(one).toMatchObject({ code: "hikcentral_code_777", cure: "platform", kinds: ["dead letter"] });
});

test("an unknown code is refused with the nearest one, or with where all are listed", async () => {
  expect(await run("explain bad_nmae")).toEqual({
    exit: 64,
    out: "",
    err: "unknown code bad_nmae: did you mean bad_name?\n",
  });
  const { exit, err } = await run("explain my_own_code");
  expect([exit, err]).toEqual([64, expect.stringContaining("hikvision-sync explain lists all codes")]);
});
