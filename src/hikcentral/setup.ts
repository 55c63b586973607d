import { Failure, unavailable } from "../errors.ts";
import { type Calls, listOf } from "./calls.ts";
import { mayNotRead } from "./codes.ts";
import type { CustomField } from "./hikcentral.ts";

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

/** Reads what we can do without: undefined, and one line in the log, where the partner may not read it. */
export function createOptionalReads(log: ClientLog) {
  const said = new Set<string>();
  return async <Data>(what: string, read: () => Promise<Data>): Promise<Data | undefined> => {
    try {
      return await read();
    } catch (thrown) {
      if (!(thrown instanceof Failure) || !mayNotRead.has(thrown.code)) throw thrown;
      if (!said.has(what)) log.warn(`HikCentral does not let this partner read ${what}: going on without it`);
      said.add(what);
      return undefined;
    }
  };
}

/** Wrong ids would write into the wrong field or open the wrong gate: resolves with the KIB field once all are there. */
export async function checkSetup(
  calls: Calls,
  optional: ReturnType<typeof createOptionalReads>,
  { regionals, kibField, log }: SetupOptions,
): Promise<KibField> {
  const fields = await optional("custom fields", () => listOf(calls.customFields()));
  const groups = await optional("privilege groups", () => listOf(calls.privilegeGroups()));
  const problems: string[] = [];
  const field = fields?.find(({ id }) => id === kibField.id);
  if (fields && !field) problems.push(`it has no custom field ${kibField.id} (hikcentral.kib_field_id)`);
  if (field && field.name.trim() !== kibField.name.trim())
    problems.push(`custom field ${field.id} is "${field.name}", not "${kibField.name}" (hikcentral.kib_field_name)`);
  const names = new Map(groups?.map(({ id, name }) => [id, name]));
  for (const [slug, id] of Object.entries(regionals)) {
    if (groups && !names.has(id)) problems.push(`it has no privilege group ${id} (regionals.${slug})`);
  }
  if (problems.length > 0) {
    const text = `hikcentral is not set up as configured: ${problems.join("; ")}`;
    throw unavailable("hikcentral", text, { code: "hikcentral_setup", reason: "setup" });
  }
  for (const [slug, id] of Object.entries(regionals)) {
    log.info(`Regional ${slug} → privilege group ${id} → ${names.get(id) ?? "(name unknown)"}`);
  }
  // 1, digits, is what the original wrote.
  const type = kibField.type ?? field?.type ?? 1;
  log.info(`KIB → custom field ${kibField.id} → ${field?.name ?? "(name unknown)"}, type ${type}`);
  return { id: kibField.id, name: kibField.name, type };
}
