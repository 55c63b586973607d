import { codeOf, isRefusal, isReject, unavailable } from "../errors.ts";
import type { CustomField } from "../people/types.ts";
import type { Calls } from "./api.ts";
import { mayNotRead } from "./error-codes.ts";

export interface ClientLog {
  info(text: string): void;
  warn(text: string): void;
}

export type KibField = Omit<CustomField, "value">;

export interface SetupOptions {
  /** Slug of a regional → id of a privilege group. */
  regionals: Readonly<Record<string, string>>;
  /** The type is HikCentral's own unless it is configured. */
  kibField: { id: string; name: string; type?: number | undefined };
  /** Where persons are added. */
  organisation?: string;
  log: ClientLog;
}

const isForbidden = (thrown: unknown) => mayNotRead.has(codeOf(thrown));

/** For optional reads: undefined, and one line in the log, where the partner may not read it. */
export function createOptionalReads(log: ClientLog) {
  const said = new Set<string>();
  return async <Data>(what: string, read: () => Promise<Data>, mayFail = isForbidden): Promise<Data | undefined> => {
    try {
      return await read();
    } catch (thrown) {
      if (!mayFail(thrown)) throw thrown;
      if (!said.has(what)) log.warn(`the HikCentral partner may not read ${what}; the daemon continues without it`);
      said.add(what);
      return undefined;
    }
  };
}

/** The pages of a list as one. One alone may be short: what is `wanted` and not in it is looked for in a second one. */
export async function listWith<Item extends { id: string }>(
  read: () => AsyncIterable<Item[]>,
  wanted: readonly string[],
): Promise<Item[]> {
  const all = new Map<string, Item>();
  const add = async () => {
    for await (const page of read()) for (const one of page) all.set(one.id, one);
  };
  await add();
  if (!wanted.every((id) => all.has(id))) await add();
  return [...all.values()];
}

/** What is wrong with the custom field that takes the KIB number, if anything. */
export function fieldProblem(
  fields: readonly CustomField[],
  { id, name }: SetupOptions["kibField"],
): string | undefined {
  const field = fields.find((one) => one.id === id);
  if (!field) return `no custom field ${id} (hikcentral.kib_field_id)`;
  if (field.name.trim() === name.trim()) return undefined;
  return `custom field ${id} is "${field.name}", not "${name}" (hikcentral.kib_field_name)`;
}

/** Regionals whose privilege group does not exist. */
export function groupProblems(groups: readonly { id: string }[], regionals: SetupOptions["regionals"]): string[] {
  const ids = new Set(groups.map(({ id }) => id));
  const missing = Object.entries(regionals).filter(([, id]) => !ids.has(id));
  return missing.map(([slug, id]) => `no privilege group ${id} (regionals.${slug})`);
}

function groupProblem(id: string, regionals: SetupOptions["regionals"]): string {
  const slugs = Object.entries(regionals).flatMap(([slug, group]) => (group === id ? [`regionals.${slug}`] : []));
  return `no privilege group ${id} (${slugs.join(", ")})`;
}

/** What HikCentral offers instead, by its own names. */
function offered(all: readonly { id: string; name: string }[]): string {
  const shown = all.slice(0, maxOffered).map(({ id, name }) => `${id} "${name}"`);
  const more = all.length > maxOffered ? ` and ${all.length - maxOffered} more` : "";
  return `HikCentral has ${shown.length > 0 ? shown.join(", ") + more : "none"}`;
}
const maxOffered = 20;

export interface Setup {
  field: KibField;
  /** What each setting stands for, by HikCentral's own names: `["regional", "zona-i → privilege group 1 → Gate 1"]`. */
  names: (readonly [label: string, text: string])[];
  problems: SetupProblems;
}

/** Each holds back only what needs it: wrong ids would write into a wrong field or open a wrong gate. */
export interface SetupProblems {
  /** No KIB number can be written. */
  field?: string;
  /** No person can be added. */
  organisation?: string;
  /** By the id of a privilege group that does not exist: whoever has its zone gets everything else. */
  groups: ReadonlyMap<string, string>;
}

export const problemsOf = ({ problems: { field, organisation, groups } }: Setup): string[] =>
  [field, organisation, ...groups.values()].filter((text) => text !== undefined);

const setupFault = (text: string) => unavailable("hikcentral", text, { code: "hikcentral_setup", reason: "setup" });

/** Reads the set-up; rejects where that fails, but not where it is wrong. */
export async function checkSetup(
  calls: Calls,
  optional: ReturnType<typeof createOptionalReads>,
  { regionals, kibField, organisation }: SetupOptions,
): Promise<Setup> {
  const [fields, groups, organisations] = await Promise.all([
    optional("custom fields", () => listWith(calls.customFields, [kibField.id])),
    optional("privilege groups", () => listWith(calls.privilegeGroups, Object.values(regionals))),
    // n.b. Not every HikCentral knows this call; a wrong key refuses the other two as well.
    organisation === undefined
      ? undefined
      : optional("organisations", () => listWith(calls.organisations, [organisation]), isRefusal),
  ]).catch((thrown) => {
    // A refusal of these reads says nothing about the message in progress.
    throw isReject(thrown) ? setupFault(`the set-up of HikCentral cannot be read: ${thrown.message}`) : thrown;
  });
  const wrongField = fields && fieldProblem(fields, kibField);
  const isNowhere = organisations !== undefined && !organisations.some(({ id }) => id === organisation);
  const missing = Object.values(regionals).filter((id) => groups && !groups.some((group) => group.id === id));
  const problems: SetupProblems = {
    ...(wrongField && { field: `${wrongField}; ${offered(fields)}` }),
    ...(isNowhere && {
      organisation: `no organisation ${organisation} (hikcentral.organisation); ${offered(organisations)}`,
    }),
    groups: new Map(missing.map((id) => [id, `${groupProblem(id, regionals)}; ${offered(groups ?? [])}`])),
  };
  const field = fields?.find(({ id }) => id === kibField.id);
  // 1 (digits) is the type that the original wrote.
  const type = kibField.type ?? field?.type ?? 1;
  const names = new Map(groups?.map(({ id, name }) => [id, name]));
  const nameOf = (id: string) => names.get(id) ?? (groups ? "(DOES NOT EXIST)" : "(name unknown)");
  const zones = Object.entries(regionals).map(
    ([slug, id]) => ["regional", `${slug} → privilege group ${id} → ${nameOf(id)}`] as const,
  );
  return {
    field: { id: kibField.id, name: kibField.name, type },
    names: [...zones, ["KIB", `custom field ${kibField.id} → ${field?.name ?? "(name unknown)"}, type ${type}`]],
    problems,
  };
}

/** Fails where a missing part of the set-up holds back the call. */
export function assertSetUp({ problems }: Setup, part: "field" | "organisation"): void {
  const text = problems[part];
  if (text === undefined) return;
  const code = part === "field" ? "kib_field_missing" : "organisation_missing";
  throw unavailable("hikcentral", `HikCentral is not set up as configured: ${text}`, { code, reason: "setup" });
}
