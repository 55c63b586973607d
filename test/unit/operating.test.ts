import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { guideFile, withCodes } from "../../packaging/guide.ts";
import { codes } from "../../src/errors/codes.ts";

const root = join(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const guide = readFileSync(guideFile, "utf8");
const entriesOf = (text: string) => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, entry = ""]) => entry);
const sectionOf = (title: string) => guide.split(/^##+ /m).find((section) => section.startsWith(`${title}\n`)) ?? "";
const words = (text: string | undefined) => [...(text ?? "").matchAll(/"([a-z ]+)"/g)].map(([, word = ""]) => word);

test.each([
  ["The broker", "src/broker/broker.ts", /type BrokerState = (.+);/],
  ["An upstream", "src/upstreams/circuit-breaker.ts", /type UpstreamState = ((?:.|\n)+ShownState = .+);/],
  ["A paused stage", "src/pipeline/consume-session.ts", /readonly reason: (.+);/],
  ["A run", "src/ledger/runs.ts", /\n {2}status: (.+);/],
])("%s: the guide has an entry for each state that status can show", (title, file, states) => {
  const shown = words(states.exec(read(file))?.[1]);
  expect(shown.length).toBeGreaterThan(2);
  expect(entriesOf(sectionOf(title)).sort()).toEqual(shown.sort());
});

test("so it has for each state of a stage, and of the whole", () => {
  const running = words(/state: (pause \?.+),\n/.exec(read("src/http/readiness.ts"))?.[1]);
  const left = [...read("src/operator/operator.ts").matchAll(/state: "(\w+)"/g)].map(([, state = ""]) => state);
  expect(entriesOf(sectionOf("A stage")).sort()).toEqual([...new Set([...running, ...left])].sort());
  const whole = words(/const not = (.+);/.exec(read("src/cli/daily/status.ts"))?.[1]);
  expect(entriesOf(sectionOf("The first line")).sort()).toEqual(["ready", ...whole].sort());
});

test("its tables of codes are those of src/errors", () => {
  expect(withCodes(guide) === guide, "docs/operating.md is out of date: npm run docs").toBe(true);
  for (const code of Object.keys(codes)) expect(entriesOf(guide)).toContain(code);
});
