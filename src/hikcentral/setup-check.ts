import { codeOf, isReject, unavailable } from "../errors.ts";
import type { CustomField } from "../people/types.ts";
import { type Calls, listOf } from "./api.ts";
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
  log: ClientLog;
}

/** For optional reads: undefined, and one line in the log, where the partner may not read it. */
export function createOptionalReads(log: ClientLog) {
  const said = new Set<string>();
  return async <Data>(what: string, read: () => Promise<Data>): Promise<Data | undefined> => {
    try {
      return await read();
    } catch (thrown) {
      if (!mayNotRead.has(codeOf(thrown))) throw thrown;
      if (!said.has(what)) log.warn(`the HikCentral partner may not read ${what}; the daemon continues without it`);
      said.add(what);
      return undefined;
    }
  };
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

export interface Setup {
  field: KibField;
  /** What each setting stands for, by HikCentral's own names: `["regional", "zona-i → privilege group 1 → Gate 1"]`. */
  names: (readonly [label: string, text: string])[];
}

const setupFault = (text: string) => unavailable("hikcentral", text, { code: "hikcentral_setup", reason: "setup" });

/** Resolves once the KIB field and all groups exist: wrong ids would write into a wrong field or open a wrong gate. */
export async function checkSetup(
  calls: Calls,
  optional: ReturnType<typeof createOptionalReads>,
  { regionals, kibField }: SetupOptions,
): Promise<Setup> {
  const [fields, groups] = await Promise.all([
    optional("custom fields", () => listOf(calls.customFields())),
    optional("privilege groups", () => listOf(calls.privilegeGroups())),
  ]).catch((thrown) => {
    // A refusal of these reads says nothing about the message in progress.
    throw isReject(thrown) ? setupFault(`the set-up of HikCentral cannot be read: ${thrown.message}`) : thrown;
  });
  const wrongField = fields && fieldProblem(fields, kibField);
  const problems = [...(wrongField ? [wrongField] : []), ...(groups ? groupProblems(groups, regionals) : [])];
  if (problems.length > 0) throw setupFault(`HikCentral is not set up as configured: ${problems.join("; ")}`);
  const field = fields?.find(({ id }) => id === kibField.id);
  // 1 (digits) is the type that the original wrote.
  const type = kibField.type ?? field?.type ?? 1;
  const names = new Map(groups?.map(({ id, name }) => [id, name]));
  const zones = Object.entries(regionals).map(
    ([slug, id]) => ["regional", `${slug} → privilege group ${id} → ${names.get(id) ?? "(name unknown)"}`] as const,
  );
  return {
    field: { id: kibField.id, name: kibField.name, type },
    names: [...zones, ["KIB", `custom field ${kibField.id} → ${field?.name ?? "(name unknown)"}, type ${type}`]],
  };
}
