import { accessSync, constants, existsSync, fstatSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { Exit, exits } from "../errors.ts";
import { visible } from "../util/text/visible.ts";
import { addressesIn, withoutCredentials } from "./broker-address.ts";
import { addDays, endOfDay, resolveDay, startOfDay, todayIn } from "./dates.ts";
import { configSchema, secretKeys, sections } from "./schema.ts";
import { Secret } from "./secret.ts";
import type { Site } from "./site.ts";
import { collect, names, type Source, type StageNames, type Values, variableOf } from "./sources.ts";

type Frozen<T> = T extends Secret ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
/** The whole configuration, read once: nothing reads the environment later. */
export type Config = Frozen<v.InferOutput<typeof configSchema>>;
/** The part that a command needs which only calls the daemon. */
export type LocalConfig = Omit<Config, "eposh" | "hikcentral">;

export interface Loaded<C = Config> {
  config: C;
  /** The file that was read. */
  file: string | undefined;
  /** `hikcentral.app_key` → where its value came from. */
  sources: Readonly<Record<string, Source>>;
  /** Raw values that no output may show. */
  secrets: string[];
  /** Environment variables that are not read but look like ours. */
  hints: string[];
  warnings: string[];
}

/** What a daemon goes by. */
export type InUse = Pick<Loaded, "config" | "file" | "sources">;

const certificate = ["http.cert_file", "http.key_file"] as const;
/** As the Debian package has them. */
const service = { state: "/var/lib/hikvision-sync", run: "/run/hikvision-sync" };

export interface ReadOptions {
  /** As given by --config: it must exist. */
  file?: string | undefined;
  /** Read where it exists and `file` is not given. */
  defaultFile?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Stages whose STAGES_NAME_OPTION is understood, besides those in the file. */
  stageNames?: StageNames;
  terminal?: boolean;
  now?: Date;
}

/**
 * Credentials win over the environment, which wins over the file. Everything bad, unknown and missing is named in one
 * Exit(78), by name and never by value. With `required: false` Eposh and HikCentral may be missing and are left out.
 */
export function readConfig(options: ReadOptions & { required: false }): Loaded<LocalConfig>;
export function readConfig(options?: ReadOptions): Loaded;
export function readConfig(options: ReadOptions & { required?: boolean } = {}): Loaded<LocalConfig> {
  const { required = true, defaultFile = "/etc/hikvision-sync/config.toml" } = options;
  const usual = options.file === undefined && existsSync(defaultFile) ? defaultFile : undefined;
  // An operator may not read the keys in it: then the commands know where the daemon is, and it knows the rest.
  const isHidden = !required && usual !== undefined && !isReadable(usual);
  const file = options.file ?? (isHidden ? undefined : usual);
  const env = { ...(isHidden && { STATE_DIRECTORY: service.state }), ...(options.env ?? process.env) };
  const { values, problems, hints } = collect(file, env, options.stageNames);
  addDefaults(values, env, options.terminal ?? isTerminal());

  const schema = required ? configSchema : v.omit(configSchema, ["eposh", "hikcentral"]);
  const checked = v.safeParse(schema, treeOf(values));
  for (const issue of checked.issues ?? []) problems.push(describe(issue, values));
  const host = values.get("http.host")?.value ?? "localhost";
  if (required && !isLoopback(String(host)) && !values.has("http.token"))
    problems.push("http.token is missing: it is required because http.host is not a loopback address");
  for (const [one, other] of [certificate, certificate.toReversed()] as const)
    if (values.has(one) && !values.has(other)) problems.push(`${other} is missing: ${one} requires it`);
  if (!checked.success || problems.length > 0)
    throw new Exit(
      exits.config,
      ["the configuration is invalid:", ...new Set(problems), ...hints].map(visible).join("\n  "),
    );

  const config = freeze(checked.output) as LocalConfig;
  const known = [...names.keys(), ...values.keys()];
  const sources = Object.fromEntries(known.map((name) => [name, values.get(name)?.source ?? "default"]));
  const warnings = isLongPast(config, options.now)
    ? ["induction.to is more than a week ago: a trigger without dates fetches old dates"]
    : [];
  if (!isLoopback(config.http.host) && config.http.certFile === undefined)
    warnings.push("http.host is not a loopback address and http.cert_file is not set: the network can read http.token");
  return { config, file, sources, secrets: secretsOf(values), hints, warnings };
}

/** Where the day at the site does not matter, as nearly always, it is not looked up. */
function isLongPast({ induction, site }: LocalConfig, now = new Date()): boolean {
  const isPastOn = (today: string) => resolveDay("induction.to", induction.to, today) < addDays(today, -7);
  const day = now.toISOString().slice(0, 10);
  const [yesterday, tomorrow] = [isPastOn(addDays(day, -1)), isPastOn(addDays(day, 1))];
  return yesterday === tomorrow ? yesterday : isPastOn(todayIn(site.timeZone, now));
}

/** n.b. The first look at process.stdout takes 15 ms. */
function isTerminal(): boolean {
  try {
    return fstatSync(1).isCharacterDevice();
  } catch {
    return false;
  }
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

export const isLoopback = (host: string) => /^(localhost|127\.[\d.]+|::1)$/.test(host);

/** `/etc/hikvision-sync/config.toml, 2 values from the environment, 4 from credentials` */
export function sourcesOf({ file, sources }: Loaded): string {
  const from = (wanted: Source) => Object.values(sources).filter((source) => source === wanted).length;
  return `${file ?? "no file"}, ${from("environment")} values from the environment, ${from("credentials")} from credentials`;
}

/** The defaults that depend on where the program runs and on other values. */
function addDefaults(values: Values, env: NonNullable<ReadOptions["env"]>, terminal: boolean): void {
  const add = (name: string, value: unknown, source: Source = "default") => {
    if (!values.has(name)) values.set(name, { value, source });
  };
  // systemd separates several state directories by colons.
  const [given] = (env.STATE_DIRECTORY ?? "").split(":");
  if (given) add("state.folder", given, "environment");
  add("state.folder", join(env.HOME || homedir(), ".local/state/hikvision-sync"));
  const folder = String(values.get("state.folder")?.value);
  const isService = resolve(folder) === service.state && existsSync(service.run);
  add("http.socket", join(isService ? service.run : folder, "operator.sock"));
  add("log.format", env.JOURNAL_STREAM && !terminal ? "journal" : "pretty");
  const eposh = URL.parse(String(values.get("eposh.url")?.value))?.hostname;
  add("photo.allowed_hosts", [...(eposh ? [eposh] : []), "storage.googleapis.com"]);
}

/** Where a name belongs in the input of the schema. */
function pathOf(name: string): readonly string[] {
  const [section = "", key = "", ...rest] = name.split(".");
  if (section === "regionals") return [section, name.slice("regionals.".length)];
  const own = rest.join(".") === "concurrency" ? rest : ["options", rest.join(".")];
  return names.get(name) ?? [section, "settings", key, ...own];
}

type Tree = Record<string, unknown>;
function treeOf(values: Values): Tree {
  const tree: Tree = Object.fromEntries(Object.keys(sections).map((section) => [section, {}]));
  const set = (at: Tree, [key = "", ...rest]: readonly string[], value: unknown) => {
    at[key] = rest.length === 0 ? value : set((at[key] ?? {}) as Tree, rest, value);
    return at;
  };
  for (const [name, { value }] of values) set(tree, pathOf(name), value);
  return tree;
}

/** n.b. Never with valibot's own text: it may quote the value. */
function describe(issue: v.BaseIssue<unknown>, values: Values): string {
  const at = `${(issue.path ?? []).map(({ key }) => String(key)).join(".")}.`;
  const known = [...names.keys(), ...values.keys()];
  const name = known.find((one) => at.startsWith(`${pathOf(one).join(".")}.`)) ?? at;
  const source = values.get(name)?.source;
  if (source === undefined) return `${name} is missing (${variableOf(name)})`;
  return `${name} ${issue.message} (${source === "environment" ? variableOf(name) : `in the ${source}`})`;
}

function secretsOf(values: Values): string[] {
  const isSecret = (name: string, source: Source) =>
    secretKeys.includes(name) || (name.startsWith("stages.") && source === "credentials" && !names.has(name));
  const broker = [values.get("broker.url")?.value ?? []].flat().flatMap((given) => addressesIn(String(given)));
  const secrets = broker.filter((address) => URL.parse(address)?.password);
  for (const [name, { value, source }] of values) if (isSecret(name, source)) secrets.push(String(value));
  return secrets.filter((secret) => secret.length >= 4);
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !(value instanceof Secret))
    for (const inner of Object.values(Object.freeze(value))) freeze(inner);
  return value;
}

/** Where pending work is kept: in RabbitMQ, or in a file. */
export function brokerOf({ broker, state }: LocalConfig) {
  const [, file] = /^sqlite:(.*)$/.exec(broker.url[0]?.reveal() ?? "") ?? [];
  if (file === undefined) return { kind: "amqp", urls: broker.url, caFile: broker.caFile } as const;
  return { kind: "sqlite", file: file || join(state.folder, "queue.db") } as const;
}

/** The same for people, without its password. */
export function brokerAt(config: LocalConfig): string {
  const broker = brokerOf(config);
  if (broker.kind === "sqlite") return `the embedded queue, ${broker.file}`;
  return `RabbitMQ, ${withoutCredentials(broker.urls.map((url) => url.reveal()))}`;
}

/** What stages see of the configuration on a day (YYYY-MM-DD). */
export function siteOf({ hikcentral, site, regionals, photo, eposh, guard }: Config, today: string): Site {
  const { organisation, gender, verifyFace } = hikcentral;
  const { timeZone } = site;
  const validFrom = startOfDay(resolveDay("hikcentral.valid_from", hikcentral.validFrom, today), timeZone);
  const validUntil = endOfDay(hikcentral.validUntil, timeZone);
  const ofPeople = { organisation, gender, validFrom, validUntil, verifyFace, photoRequired: photo.required };
  const photoGiveUpAfterMs = photo.giveUpAfterMs;
  return { ...ofPeople, photoGiveUpAfterMs, timeZone, regionals, pageSize: eposh.pageSize, handsOff: guard.handsOff };
}
