import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const guide = read("docs/operating.md");
const entriesOf = (text: string) => [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, entry = ""]) => entry);
const sectionOf = (title: string) => guide.split(/^##+ /m).find((section) => section.startsWith(`${title}\n`)) ?? "";
const words = (text: string | undefined) => [...(text ?? "").matchAll(/"([a-z ]+)"/g)].map(([, word = ""]) => word);

test.each([
  ["The broker", "src/broker/broker.ts", /type BrokerState = (.+);/],
  ["An upstream", "src/upstreams/circuit-breaker.ts", /type UpstreamState = (.+);/],
  ["A paused stage", "src/pipeline/consume-session.ts", /readonly reason: (.+);/],
  ["A run", "src/ledger/runs.ts", /\n {2}status: (.+);/],
])("%s: the guide has an entry for each state that status can show", (title, file, states) => {
  const shown = words(states.exec(read(file))?.[1]);
  expect(shown.length).toBeGreaterThan(2);
  expect(entriesOf(sectionOf(title)).sort()).toEqual(shown.sort());
});

test("so it has for each state of a stage, and of the whole", () => {
  const running = words(/state: (pause \?.+),\n/.exec(read("src/http/health.ts"))?.[1]);
  const left = [...read("src/operator/operator.ts").matchAll(/state: "(\w+)"/g)].map(([, state = ""]) => state);
  expect(entriesOf(sectionOf("A stage")).sort()).toEqual([...new Set([...running, ...left])].sort());
  const whole = words(/const not = (.+);/.exec(read("src/cli/daily/status.ts"))?.[1]);
  expect(entriesOf(sectionOf("The first line")).sort()).toEqual(["ready", ...whole].sort());
});

test("so it has for each code that a dead letter, a pause, a warning or the journal can bear, and for no other", () => {
  const bears = [
    /\b(?:retry|reject|warn)\(\s*"([a-z]\w+)"/gi,
    /\bcode: "([a-z]\w+)"/g,
    /\? "([a-z]+_\w+)" : "([a-z]+_\w+)"/g,
    /\], "(?:reject|retry|setup|outage)", "(\w+)"/g,
  ];
  const files = [...new Bun.Glob("{stages,src}/**/*.ts").scanSync(root)].filter(
    (file) => !/^src\/(cli|doctor|sdk|simulator)\//.test(file),
  );
  const codes = files.flatMap((file) =>
    bears.flatMap((pattern) => [...read(file).matchAll(pattern)].flatMap(([, ...found]) => found)),
  );
  expect(codes.length).toBeGreaterThan(60);
  // Made up where they are used: of an upstream's name, and of HikCentral's number.
  const made = ["hikcentral_down", "hikcentral_code_…"];
  const entries = entriesOf(guide.slice(guide.indexOf("\n## Codes of pauses")));
  expect([...new Set(entries)].sort()).toEqual([...new Set([...codes.filter(Boolean), ...made])].sort());
});
