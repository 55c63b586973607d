import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Loaded, LocalConfig } from "../../config/load.ts";
import { Exit, exits } from "../../errors.ts";
import { loadStages, stageNamesIn } from "../../registry/builtin.ts";
import type { RegisteredStage } from "../../registry/registry.ts";
import type { Stage } from "../../stage.ts";
import { configArgument, loadLocalConfig } from "../args.ts";
import { mask } from "../output.ts";

export const folderArguments = {
  ...configArgument,
  folder: { type: "string", valueHint: "folder", description: "folder of the stages (stages.folder, else ./stages)" },
} as const;

type Arguments = { config?: string | undefined; folder?: string | undefined };

/** Where an author works: --folder, else stages.folder, else ./stages. */
export function folderOf<C extends LocalConfig>(
  args: Arguments,
  load: (options: { stageNames: typeof stageNamesIn }) => Loaded<C>,
): { config: C; folder: string; isConfigured: boolean } {
  const own = args.folder ?? (existsSync("stages") ? "stages" : undefined);
  const stageNames = (configured: string | undefined) => stageNamesIn(args.folder ?? configured ?? own);
  const { config } = load({ stageNames });
  const folder = resolve(args.folder ?? config.stages.folder ?? "stages");
  const isConfigured = config.stages.folder !== undefined && resolve(config.stages.folder) === folder;
  return { config: { ...config, stages: { ...config.stages, folder } }, folder, isConfigured };
}

export const localFolderOf = (args: Arguments) => folderOf(args, (options) => loadLocalConfig(args, options));

/** All stages as the daemon would have them. A missing folder holds none. */
export async function stagesFor({
  config,
  folder,
}: {
  config: LocalConfig;
  folder: string;
}): Promise<RegisteredStage[]> {
  const { folder: _, ...withoutFolder } = config.stages;
  return loadStages(existsSync(folder) ? config : { ...config, stages: withoutFolder }, mask);
}

export function stageIn(registered: readonly RegisteredStage[], name: string): RegisteredStage {
  const one = registered.find(({ stage }) => stage.name === name);
  if (one) return one;
  const names = registered.map(({ stage }) => stage.name).join(", ");
  throw new Exit(exits.usage, `unknown stage ${name}; the stages are ${names}`);
}

/** Each daemon has its own queue of a local stage. */
export const queueOf = ({ queue, local }: Stage): string => (local ? `${queue}.<host>` : queue);
