import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript-js";

/** From the top down: a file imports only what stands further down, or its own folder. Those on one line are strangers. */
const layers = [
  ["main"],
  ["cli"],
  ["app"],
  ["sdk"],
  ["doctor"],
  ["http", "ui"],
  ["operator"],
  ["reconcile"],
  ["pipeline"],
  ["registry"],
  ["stages"],
  ["stage"],
  ["clients"],
  ["hikcentral"],
  ["upstreams"],
  ["ledger"],
  ["people"],
  ["broker"],
  ["config"],
  ["observability"],
  ["errors"],
  ["util"],
];
/** Both foreign systems: no part of the daemon, so they share no code with the clients that they answer. */
const simulator = { imports: ["errors", "util"], importedBy: /^src\/(sdk|cli\/demo)\// };
/** A leaf that everybody may import. */
const leaf = "src/version.ts";

const root = join(import.meta.dir, "../..");
const files = ["src", "stages"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => `${folder}/${name}`),
);
const textOf = (file: string) => readFileSync(join(root, file), "utf8");
/** Imports of types and dynamic ones too; packages are nobody's business here. */
const importsOf = new Map(
  files.map((file) => [
    file,
    ts
      .preProcessFile(textOf(file), true, true)
      .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
      .map(({ fileName }) => join(dirname(file), fileName)),
  ]),
);
const imports = [...importsOf].flatMap(([from, tos]) => tos.map((to) => ({ from, to })));

/** `src/broker/open.ts` is of broker, `src/main.ts` of main, `stages/publisher.ts` of stages. */
const concernOf = (file: string) => file.replace(/^src\//, "").replace(/(\.ts|\/.*)$/, "");
const rankOf = (concern: string) => layers.findIndex((layer) => layer.includes(concern));
const folderOf = (file: string) => dirname(file);

describe("the imports of src and stages", () => {
  test("are found, those of types and dynamic ones too", () => {
    expect(importsOf.get("src/cli/commands.ts")).toContain("src/cli/daily/serve.ts");
    expect(importsOf.get("src/clients.ts")).toContain("src/observability/log.ts");
  });

  test("lead to files that exist and belong to a known concern", () => {
    const asset = /^src\/ui\/assets\/\w+\.(css|js)$/;
    const isThere = (to: string) => files.includes(to) || to === "package.json" || asset.test(to);
    expect(imports.filter(({ to }) => !isThere(to)).map(line)).toEqual([]);
    const known = (file: string) => rankOf(concernOf(file)) >= 0 || concernOf(file) === "simulator" || file === leaf;
    expect(files.filter((file) => !known(file))).toEqual([]);
  });

  test("point down", () => {
    const isDown = ({ from, to }: { from: string; to: string }) => {
      const [above, below] = [concernOf(from), concernOf(to)];
      if (above === below || to === leaf || from === leaf) return true;
      if (above === "simulator") return simulator.imports.includes(below);
      if (below === "simulator") return simulator.importedBy.test(from);
      return rankOf(above) < rankOf(below);
    };
    expect(imports.filter((one) => !isDown(one)).map(line)).toEqual([]);
  });

  test("make no circle", () => {
    expect(circles()).toEqual([]);
  });

  test("of a stage are src/stage.ts and nothing else", () => {
    const wrong = imports.filter(({ from, to }) => from.startsWith("stages/") && to !== "src/stage.ts");
    expect(wrong.map(line)).toEqual([]);
  });
});

describe("the layout of src and stages", () => {
  test("has at most twelve files a folder", () => {
    const folders = Map.groupBy(files, folderOf);
    expect([...folders].filter(([, inside]) => inside.length > 12).map(([folder]) => folder)).toEqual([]);
  });

  test("has no file over 300 lines", () => {
    expect(files.filter((file) => textOf(file).split("\n").length > 301)).toEqual([]);
  });

  test("has nothing loose in src but what is opened first", () => {
    const loose = files.filter((file) => folderOf(file) === "src").sort();
    const first = ["src/clients.ts", "src/errors.ts", "src/main.ts", "src/stage.ts", leaf];
    expect(loose.filter((file) => !first.includes(file))).toEqual([]);
  });
});

function line({ from, to }: { from: string; to: string }): string {
  return `${from} → ${to}`;
}

/** Each one once, from the file at which the search met it. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" → "));
    if (start >= 0 || done.has(file)) return;
    for (const next of importsOf.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}
