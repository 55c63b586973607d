import { defineCommand } from "citty";
import { formatDuration } from "../../config/dates.ts";
import { exampleConfig } from "../../config/example.ts";
import { configJsonSchema } from "../../config/json-schema.ts";
import type { Config, Loaded } from "../../config/load.ts";
import { names, placeOf } from "../../config/sources.ts";
import { loadStages, stageNamesIn } from "../../registry/builtin.ts";
import { configArgument, loadConfig } from "../args.ts";
import { print, printJson, table } from "../output.ts";

/** Values as you would write them in the file, and where each one came from. */
async function resolved(loaded: Loaded): Promise<string[][]> {
  const { config, sources, file } = loaded;
  const stages = await loadStages(config);
  return Object.entries(sources).map(([name, source]) => [
    name,
    shown(valueAt(name, config, stages)),
    placeOf(name, source, file),
  ]);
}

function valueAt(name: string, config: Config, stages: Awaited<ReturnType<typeof loadStages>>): unknown {
  if (name === "broker.url")
    return config.broker.url.map((url) => url.reveal().replace(/(:\/\/[^:/@]*:).*(?=@)/, "$1[secret]"));
  const [section, key] = names.get(name) ?? [];
  if (section !== undefined && key !== undefined) {
    const value = (config as unknown as Record<string, Record<string, unknown>>)[section]?.[key];
    return key.endsWith("Ms") && value !== undefined ? [value].flat().map((ms) => formatDuration(Number(ms))) : value;
  }
  const [, first = "", ...rest] = name.split(".");
  if (name.startsWith("regionals.")) return config.regionals[name.slice("regionals.".length)];
  const registered = stages.find(({ stage }) => stage.name === first);
  const option = rest.join(".");
  // Parsed by the schema of the stage, so that its secrets print as [secret].
  if (option === "concurrency") return registered?.concurrency;
  return (registered?.options as Record<string, unknown> | undefined)?.[option];
}

const shown = (value: unknown): string =>
  value === undefined ? "(not set)" : Array.isArray(value) ? value.join(", ") : String(value);

const printConfig = defineCommand({
  meta: { name: "print", description: "Show every value in use, and where it came from" },
  args: configArgument,
  async run({ args }) {
    const loaded = loadConfig(args, { stageNames: stageNamesIn });
    print(table(await resolved(loaded)));
    for (const text of [...loaded.warnings, ...loaded.hints]) print(`warning: ${text}`);
  },
});

const schema = defineCommand({
  meta: { name: "schema", description: "Print the JSON Schema of the configuration file" },
  run: () => printJson(configJsonSchema()),
});

const example = defineCommand({
  meta: { name: "example", description: "Print a sample configuration file with every key" },
  run: () => print(exampleConfig().trimEnd()),
});

export default defineCommand({
  meta: { name: "config", description: "Show the configuration, a sample, or its JSON Schema" },
  subCommands: { print: printConfig, schema, example },
});
