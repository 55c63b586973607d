import * as v from "valibot";
import { Exit, exits } from "../errors.ts";
import type { Stage } from "../stage.ts";

/** A stage and where it came from: "built in" or the path of its file. */
export interface Found {
  readonly origin: string;
  /** The file's name without its ending; the stage in it must be called so. */
  readonly file: string;
  readonly exported: unknown;
}

/** A stage with its options checked and its place in the graph known. */
export interface Placed {
  readonly stage: Stage;
  readonly origin: string;
  readonly options: unknown;
  readonly concurrency: number;
  /** False: published to, not consumed here. */
  readonly consumed: boolean;
  readonly successors: readonly Placed[];
}

export interface RegistryOptions {
  disabled: readonly string[];
  /** `[stages.NAME]`, as configured. */
  settings: Readonly<Record<string, { concurrency?: number; options: Record<string, unknown> }>>;
  prefetch: number;
}

const isSchema = (value: unknown) => typeof value === "object" && value !== null && "~run" in value;
const schema = v.custom<v.GenericSchema>(isSchema, "must be a schema made with v");
const shape = v.object({
  name: v.pipe(
    v.string("must be a string"),
    v.regex(/^[a-z][a-z0-9-]{0,40}$/, "must be lower-case words with hyphens"),
  ),
  queue: v.pipe(v.string("must be a string"), v.regex(/^[\w.-]{1,100}$/, "must be 1 to 100 letters, digits, _ . -")),
  after: v.optional(v.string("must be a string")),
  message: schema,
  options: v.optional(schema),
  concurrency: v.optional(
    v.pipe(v.number("must be a number"), v.integer("must be whole"), v.minValue(1, "must be at least 1")),
  ),
  deadlineMs: v.optional(v.pipe(v.number("must be a number"), v.minValue(1, "must be positive"))),
  fetches: v.optional(v.boolean("must be true or false")),
  optional: v.optional(v.boolean("must be true or false")),
  run: v.function("must be a function"),
});

/** Path and expectation of each issue; never valibot's own text, which quotes the value. */
const expectations = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => `${v.getDotPath(issue) ?? "it"} must be ${issue.expected ?? "as its schema says"}`);

/** Finds every problem before it says any, then orders the stages by `after`; exit 78. */
export function placeStages(found: readonly Found[], options: RegistryOptions): Placed[] {
  const problems: string[] = [];
  const stages = new Map<string, { stage: Stage; origin: string }>();
  for (const { origin, file, exported } of found) {
    const checked = v.safeParse(shape, exported);
    if (!checked.success) {
      const what = checked.issues.map((issue) => `${v.getDotPath(issue) ?? "the default export"} ${issue.message}`);
      problems.push(`${origin}: stage ${file}: ${what.join("; ")}`);
      continue;
    }
    const stage = exported as Stage;
    if (stage.name !== file)
      problems.push(`${origin}: the stage is called ${stage.name} but its file ${file}: make them the same`);
    // A file of a built-in's name comes later and replaces it.
    stages.set(stage.name, { stage, origin });
  }
  for (const [name, { stage }] of stages) {
    if (stage.optional && options.disabled.includes(name)) stages.delete(name);
  }
  problems.push(...graphProblems(stages));
  for (const name of Object.keys(options.settings)) {
    if (!found.some(({ file }) => file === name))
      problems.push(`configuration: [stages.${name}] names no stage; there is ${list(stages.keys())}`);
  }

  const placed = new Map<string, Placed & { successors: Placed[] }>();
  for (const [name, { stage, origin }] of stages) {
    const settings = options.settings[name];
    const given = v.safeParse(stage.options ?? v.strictObject({}), settings?.options ?? {});
    if (!given.success)
      problems.push(...expectations(given.issues).map((text) => `configuration: [stages.${name}] ${text}`));
    placed.set(name, {
      stage,
      origin,
      options: given.output,
      concurrency: settings?.concurrency ?? stage.concurrency ?? options.prefetch,
      consumed: !options.disabled.includes(name),
      successors: [],
    });
  }
  if (problems.length > 0) throw new Exit(exits.config, problems.join("\n"));
  for (const one of placed.values()) placed.get(one.stage.after ?? "")?.successors.push(one);
  return inOrder([...placed.values()]);
}

const list = (names: Iterable<string>) => [...names].sort().join(", ");

function graphProblems(stages: ReadonlyMap<string, { stage: Stage; origin: string }>): string[] {
  const problems: string[] = [];
  const queues = new Map<string, string>();
  for (const [name, { stage, origin }] of stages) {
    const other = queues.get(stage.queue);
    if (other !== undefined) problems.push(`${origin}: stage ${name}: queue ${stage.queue} is taken by stage ${other}`);
    queues.set(stage.queue, name);
    if (stage.after !== undefined && !stages.has(stage.after)) {
      problems.push(
        `${origin}: stage ${name}: after names ${stage.after}, which is no stage; there is ${list(stages.keys())}`,
      );
    }
    const way = [name];
    for (let next = stage.after; next !== undefined; next = stages.get(next)?.stage.after) {
      if (next === name)
        problems.push(`${origin}: stage ${name}: after goes in a circle: ${[...way, name].join(" after ")}`);
      if (way.includes(next)) break;
      way.push(next);
    }
  }
  return problems;
}

/** Predecessors first. */
function inOrder(placed: readonly Placed[]): Placed[] {
  const roots = placed.filter(({ stage }) => stage.after === undefined);
  const walk = (one: Placed): Placed[] => [one, ...one.successors.flatMap(walk)];
  return roots.flatMap(walk);
}
