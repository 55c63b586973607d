import { isDeepStrictEqual, types } from "node:util";
import * as v from "valibot";
import { Exit, exits, textOf } from "../errors.ts";
import type { Stage } from "../stage.ts";

/** The origin of a stage that is compiled in. */
export const builtIn = "built in";

/** A stage and where it came from: "built in" or the path of its file. */
export interface StageSource {
  readonly origin: string;
  /** The name of the file without its ending; the stage must have the same name. */
  readonly file: string;
  readonly exported: unknown;
  /** `file:line` of a property of the stage, or of its export. Unknown for a built-in stage. */
  at?(property?: string): string;
  /** Why it could not be loaded. */
  readonly problems?: readonly string[];
}

/** A stage with its options checked and its place in the graph known. */
export interface RegisteredStage {
  readonly stage: Stage;
  readonly origin: string;
  readonly options: unknown;
  readonly concurrency: number;
  /** False: published to, not consumed here. */
  readonly enabledHere: boolean;
  readonly successors: readonly RegisteredStage[];
  /** Those that take what this stage hands over (`follows`). */
  readonly followers: readonly RegisteredStage[];
}

export interface RegistryOptions {
  disabled: readonly string[];
  /** `[stages.NAME]`, as configured. */
  settings: Readonly<Record<string, { concurrency?: number; options: Record<string, unknown> }>>;
  /** broker.prefetch, where it is set. */
  prefetch: number | undefined;
  /** hikcentral.concurrency: calls at a time. */
  callsAtATime: number;
}

/** Of a stage with several calls a message, more in progress than this would only share the permits. */
const messagesPerCall = 2;
/** As many as one call of `apply-access` takes, and five of those that grant a group. */
const maxBatched = 100;
const ordinaryPrefetch = 32;

function prefetchOf({ calls }: Stage, { prefetch, callsAtATime }: RegistryOptions): number {
  if (prefetch !== undefined) return prefetch;
  if (calls === "single") return messagesPerCall * callsAtATime;
  return calls === "batched" ? maxBatched : ordinaryPrefetch;
}

const isSchema = (value: unknown) => typeof value === "object" && value !== null && "~run" in value;
const schema = v.custom<v.GenericSchema>(isSchema, "must be a schema made with v");
const shape = v.strictObject({
  name: v.pipe(
    v.string("must be a string"),
    v.regex(/^[a-z][a-z0-9-]{0,40}$/, "must be lower-case words with hyphens"),
  ),
  queue: v.pipe(
    v.string("must be a string"),
    v.regex(/^[\w.-]{1,100}$/, "must be 1 to 100 letters, digits, _ . -"),
    v.regex(
      /^(?!.*\.(dead|retry\.[^.]*)$)/,
      "must not end in .dead or .retry.…: such queues hold dead letters and retries",
    ),
  ),
  after: v.optional(v.string("must be a string")),
  follows: v.optional(v.string("must be a string")),
  message: schema,
  options: v.optional(schema),
  concurrency: v.optional(
    v.pipe(v.number("must be a number"), v.integer("must be whole"), v.minValue(1, "must be at least 1")),
  ),
  deadlineMs: v.optional(
    v.pipe(
      v.number("must be a number"),
      v.minValue(1, "must be positive"),
      // RabbitMQ waits 30 minutes for the acknowledgement, which includes waiting for another message of the same person.
      v.maxValue(25 * 60_000, "must be at most 1500000 (25 minutes): do the work in parts"),
    ),
  ),
  fetches: v.optional(v.boolean("must be true or false")),
  emits: v.optional(v.picklist(["page", "person"], "must be page or person")),
  calls: v.optional(v.picklist(["single", "batched"], "must be single or batched")),
  optional: v.optional(v.boolean("must be true or false")),
  local: v.optional(v.boolean("must be true or false")),
  run: v.function("must be a function"),
});

/** Path and expectation of each issue; never valibot's own text, which quotes the value. */
const expectations = (issues: readonly v.BaseIssue<unknown>[]) =>
  issues.map((issue) => {
    const path = v.getDotPath(issue) ?? "it";
    if (issue.expected === "never") return `unknown option ${path}`;
    if (issue.received === "undefined") return `${path} is missing`;
    return `${path} must be ${issue.expected ?? `as its schema says (${issue.type})`}`;
  });

/** Finds a mistyped option even where the schema of the stage would ignore it. */
function optionProblems(schema: v.GenericSchema | undefined, given: Record<string, unknown>): string[] {
  const { success, issues = [] } = v.safeParse(schema ?? v.strictObject({}), given);
  const known = schema && "entries" in schema && schema.type === "object" ? Object.keys(schema.entries as object) : [];
  const unknown = known.length > 0 ? Object.keys(given).filter((key) => !known.includes(key)) : [];
  return [
    ...(success ? [] : expectations(issues)),
    ...unknown.map((key) => `unknown option ${key}; the options are ${list(known)}`),
  ];
}

interface Candidate {
  stage: Stage;
  origin: string;
  at(property?: string): string;
}

/** Orders the stages by `after`. Exit 78 names every problem at once. */
export function registerStages(found: readonly StageSource[], options: RegistryOptions): RegisteredStage[] {
  const problems: string[] = [];
  const stages = new Map<string, Candidate>();
  const broken = new Set<string>();
  for (const { origin, file, exported, at = () => origin, problems: own = [] } of found) {
    problems.push(...own);
    const wrong = own.length > 0 ? [] : notAStage(exported, at);
    problems.push(...wrong);
    if (own.length + wrong.length > 0) {
      broken.add(file);
      continue;
    }
    const stage = exported as Stage;
    if (stage.name !== file)
      problems.push(`${at("name")}: the stage is named ${stage.name}, but its file ${file}; give both one name`);
    const before = stages.get(stage.name);
    // A file may replace a built-in stage. Two files may not have one name.
    if (before && before.origin !== builtIn)
      problems.push(`${at("name")}: ${before.origin} already has the name ${stage.name}; choose another name`);
    stages.set(stage.name, { stage, origin, at });
  }
  const files = new Set(found.map(({ file }) => file));
  for (const name of Object.keys(options.settings))
    if (!files.has(name))
      problems.push(`configuration: [stages.${name}] is for an unknown stage; the stages are ${list(files)}`);
  for (const name of options.disabled)
    if (!files.has(name))
      problems.push(`configuration: stages.disabled names an unknown stage ${name}; the stages are ${list(files)}`);
  for (const [name, { stage }] of stages) {
    if (stage.optional && options.disabled.includes(name)) stages.delete(name);
  }
  problems.push(...graphProblems(stages, broken));

  type Growing = RegisteredStage & { successors: RegisteredStage[]; followers: RegisteredStage[] };
  const registered = new Map<string, Growing>();
  for (const [name, { stage, origin, at }] of stages) {
    const settings = options.settings[name];
    const given = settings?.options ?? {};
    const wrong = optionProblems(stage.options, given);
    problems.push(...wrong.map((text) => `${at("options")}: [stages.${name}] in the configuration: ${text}`));
    registered.set(name, {
      stage,
      origin,
      options: v.safeParse(stage.options ?? v.strictObject({}), given).output,
      concurrency: settings?.concurrency ?? stage.concurrency ?? prefetchOf(stage, options),
      enabledHere: !options.disabled.includes(name),
      successors: [],
      followers: [],
    });
  }
  if (problems.length > 0) throw new Exit(exits.config, problems.join("\n"));
  for (const one of registered.values()) {
    registered.get(one.stage.after ?? "")?.successors.push(one);
    registered.get(one.stage.follows ?? "")?.followers.push(one);
  }
  return inOrder([...registered.values()]);
}

const list = (names: Iterable<string>) => [...names].sort().join(", ");

/** Why an export is no stage, at which property; it reads all of it. */
export function notAStage(exported: unknown, at: Candidate["at"]): string[] {
  const helper = "a helper belongs in a folder below";
  // It could answer otherwise each time.
  if (types.isProxy(exported)) return [`${at()}: the default export is a Proxy. Write export default defineStage({…})`];
  // n.b. An empty file is taken to export {}.
  if (exported === undefined || isDeepStrictEqual(exported, {}))
    return [`${at()}: no default export. Write export default defineStage({…}); ${helper}`];
  if (typeof exported !== "object" || exported === null)
    return [`${at()}: the default export is not a stage. Write export default defineStage({…}); ${helper}`];
  try {
    const { issues = [] } = v.safeParse(shape, exported);
    return issues.map((issue) => {
      const property = v.getDotPath(issue) ?? undefined;
      const unknown = `is an unknown property; the properties are ${list(Object.keys(shape.entries))}`;
      const what = issue.expected === "never" ? unknown : issue.received === "undefined" ? "is missing" : issue.message;
      return `${at(property)}: not a stage: ${property ?? "it"} ${what}`;
    });
  } catch (error) {
    return [`${at()}: not a stage: reading it throws ${textOf(error)}; export a plain object`];
  }
}

function graphProblems(stages: ReadonlyMap<string, Candidate>, broken: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const queues = new Map<string, string>();
  for (const [name, { stage, at }] of stages) {
    const { queue, after, follows } = stage;
    const other = queues.get(queue);
    if (other !== undefined)
      problems.push(`${at("queue")}: stage ${other} already has the queue ${queue}; choose another queue for ${name}`);
    else queues.set(queue, name);
    for (const [property, named] of Object.entries({ after, follows }))
      if (named !== undefined && !stages.has(named) && !broken.has(named))
        problems.push(
          `${at(property)}: ${property} of ${name} names an unknown stage ${named}; the stages are ${list(stages.keys())}`,
        );
    if (after !== undefined && follows !== undefined)
      problems.push(`${at("follows")}: ${name} has after and follows; remove one of them`);
    const path = [name];
    for (let next = after; next !== undefined; next = stages.get(next)?.stage.after) {
      if (next === name)
        problems.push(`${at("after")}: after forms a circle: ${[...path, name].join(" after ")}; break the circle`);
      if (path.includes(next)) break;
      path.push(next);
    }
  }
  return problems;
}

/** Predecessors first. */
function inOrder(registered: readonly RegisteredStage[]): RegisteredStage[] {
  const roots = registered.filter(({ stage }) => stage.after === undefined);
  const walk = (one: RegisteredStage): RegisteredStage[] => [one, ...one.successors.flatMap(walk)];
  return roots.flatMap(walk);
}

/** The stages here after which an employee is through; nobody waits for what follows another stage. */
export function leavesOf(stages: readonly RegisteredStage[]): string[] {
  const roots = stages.filter(({ stage }) => stage.after === undefined && stage.follows === undefined);
  const waitedFor = (one: RegisteredStage): RegisteredStage[] => [one, ...one.successors.flatMap(waitedFor)];
  const enabled = roots.flatMap(waitedFor).filter((one) => one.enabledHere);
  return enabled.filter((one) => !one.successors.some((next) => next.enabledHere)).map(({ stage }) => stage.name);
}

/** Each stage that follows by itself → the one that it follows. */
export const followedOf = (stages: readonly RegisteredStage[]): ReadonlyMap<string, string> =>
  new Map(stages.flatMap(({ stage: { name, follows } }) => (follows === undefined ? [] : [[name, follows]])));
