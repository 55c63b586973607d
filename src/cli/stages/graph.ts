import { defineCommand } from "citty";
import type { Placed } from "../../registry/registry.ts";
import { say } from "../run.ts";
import { folderArguments, localFolderOf, stagesFor } from "./folder.ts";
import { queueOf } from "./stages.ts";

export default defineCommand({
  meta: { name: "graph", description: "Draw which stage comes after which, as text and for Mermaid" },
  args: folderArguments,
  async run({ args }) {
    const placed = await stagesFor(localFolderOf(args));
    const roots = placed.filter(({ stage }) => stage.after === undefined);
    say(roots.flatMap((one) => tree(one)).join("\n"));
    say(`\n${mermaid(placed)}`);
  },
});

const labelOf = ({ stage, consumed }: Placed) =>
  `${stage.name} ← ${queueOf(stage)}${consumed ? "" : " (disabled here)"}`;

function tree(one: Placed, first = "", rest = ""): string[] {
  const { successors } = one;
  const below = successors.flatMap((next, at) =>
    at < successors.length - 1 ? tree(next, `${rest}├─ `, `${rest}│  `) : tree(next, `${rest}└─ `, `${rest}   `),
  );
  return [`${first}${labelOf(one)}`, ...below];
}

/** n.b. A node's id may hold no hyphen before "end", so nodes are numbered. */
function mermaid(placed: readonly Placed[]): string {
  const id = new Map(placed.map((one, at) => [one, `s${at}`]));
  const nodes = placed.map((one) => `  ${id.get(one)}["${one.stage.name}"]`);
  const arrows = placed.flatMap((one) =>
    one.successors.map((next) => `  ${id.get(one)} -->|${next.stage.queue}| ${id.get(next)}`),
  );
  return ["flowchart TD", ...nodes, ...arrows].join("\n");
}
