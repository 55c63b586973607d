import { defineCommand } from "citty";
import type { RegisteredStage } from "../../registry/registry.ts";
import { print } from "../output.ts";
import { folderArguments, localFolderOf, queueOf, stagesFor } from "./folder.ts";

export default defineCommand({
  meta: { name: "graph", description: "Draw the graph of stages, as text and for Mermaid" },
  args: folderArguments,
  async run({ args }) {
    const registered = await stagesFor(localFolderOf(args));
    const roots = registered.filter(({ stage }) => stage.after === undefined);
    print(roots.flatMap((one) => tree(one)).join("\n"));
    print(`\n${mermaid(registered)}`);
  },
});

const labelOf = ({ stage, enabledHere }: RegisteredStage) =>
  `${stage.name} ← ${queueOf(stage)}${enabledHere ? "" : " (disabled here)"}`;

function tree(one: RegisteredStage, first = "", rest = ""): string[] {
  const { successors } = one;
  const below = successors.flatMap((next, at) =>
    at < successors.length - 1 ? tree(next, `${rest}├─ `, `${rest}│  `) : tree(next, `${rest}└─ `, `${rest}   `),
  );
  return [`${first}${labelOf(one)}`, ...below];
}

/** n.b. A node's id may hold no hyphen before "end", so nodes are numbered. */
function mermaid(registered: readonly RegisteredStage[]): string {
  const id = new Map(registered.map((one, at) => [one, `s${at}`]));
  const nodes = registered.map((one) => `  ${id.get(one)}["${one.stage.name}"]`);
  const arrows = registered.flatMap((one) =>
    one.successors.map((next) => `  ${id.get(one)} -->|${next.stage.queue}| ${id.get(next)}`),
  );
  return ["flowchart TD", ...nodes, ...arrows].join("\n");
}
