import type { Clients } from "../clients.ts";
import { todayIn } from "../config/dates.ts";
import type { Config } from "../config/load.ts";
import { codeOf, Failure } from "../errors.ts";
import { mayNotRead } from "../hikcentral/error-codes.ts";
import { fieldProblem, groupProblems, listWith } from "../hikcentral/setup-check.ts";
import { howToCompare } from "../hikcentral/trusted-route.ts";
import { TransportError } from "../upstreams/http.ts";
import { certificateOf } from "../upstreams/tls.ts";
import { addressOf, compareClocks, reach } from "./network.ts";
import { type Examine, Fault, type Look, Unchecked } from "./probe.ts";

/** How far ahead an upstream's clock is, by its last answer; undefined before it. */
export type ClockOf = (url: string) => number | undefined;

export async function examineEposh(examine: Examine, { eposh, site }: Config, clients: Clients, clockOf: ClockOf) {
  const url = new URL(eposh.url);
  const needs = [await examine("address", reach(addressOf(url, "eposh.url")))];
  const page = (signal: AbortSignal) => clients.eposh.for(signal).page(todayIn(site.timeZone), 1);
  if (url.protocol === "https:")
    needs.push(
      await examine(
        "certificate",
        trusts(page, url, (sha256) => `if SHA-256 ${sha256} is Eposh's: set eposh.ca_file to the issuer's certificate`),
        needs,
      ),
    );
  await examine("page", async (signal) => `${(await page(signal)).pagination.total} employees inducted today`, needs);
  await examine("clock", async () => compareClocks(clockOf(eposh.url)), needs);
}

export async function examineHikCentral(examine: Examine, config: Config, clients: Clients, clockOf: ClockOf) {
  const { hikcentral, regionals } = config;
  const url = new URL(hikcentral.url);
  const needs = [await examine("address", reach(addressOf(url, "hikcentral.url")))];
  const read = (signal: AbortSignal) => clients.hikcentral.reads(signal);
  if (url.protocol === "https:") {
    const trusted = trusts(
      (signal) => read(signal).version(),
      url,
      (sha256) => `${howToCompare(sha256)}; if they are equal: hikcentral.fingerprint = "${sha256}"`,
    );
    needs.push(await examine("certificate", trusted, needs));
  }
  const key = await examine(
    "key and secret",
    async (signal) => {
      const version = await read(signal).version().catch(orForbidden);
      return version ? `accepted by ${version.produceName} ${version.softVersion}` : "accepted";
    },
    needs,
  );
  await examine("clock", async () => compareClocks(clockOf(hikcentral.url)), needs);
  await examine(
    "permission",
    async (signal) => {
      await clients.hikcentral
        .for(signal)
        .personByCode(unusedCode)
        .catch((thrown) => {
          const code = codeOf(thrown);
          if (code === undefined || !mayNotRead.has(code)) throw thrown;
          throw new Fault(
            code,
            "the partner may not read persons",
            "tick person/personCode/personInfo and the writing APIs for the partner",
          );
        });
      return "the partner may read persons";
    },
    [key],
  );
  await examine(
    "organisation",
    async (signal) => {
      const { organisation } = hikcentral;
      const all = await readable(listWith(read(signal).organisations, [organisation]), "org/orgList");
      const found = all.find(({ id }) => id === organisation);
      if (found) return `${organisation} is ${found.name}`;
      throw new Fault(
        "organisation_missing",
        `no organisation ${organisation}`,
        "set hikcentral.organisation to an id that the partner may see",
      );
    },
    [key],
  );
  await examine(
    "KIB field",
    async (signal) => {
      const fields = listWith(read(signal).customFields, [hikcentral.kibFieldId]);
      return kibField(await readable(fields, "person/customFields"), config);
    },
    [key],
  );
  await examine(
    "privilege groups",
    async (signal) => {
      const wanted = Object.values(regionals);
      const groups = await readable(listWith(read(signal).privilegeGroups, wanted), "privilege/group");
      const problems = groupProblems(groups, regionals);
      if (problems.length > 0)
        throw new Fault(
          "privilege_group_missing",
          problems.join("; "),
          "set the regional to an existing id, or create the group",
        );
      const ids = new Set(wanted);
      return groups.flatMap(({ id, name }) => (ids.has(id) ? [name] : [])).join(", ");
    },
    [key],
  );
}

/** A personCode that no person has; not a NIK. */
const unusedCode = "0";

const orForbidden = (thrown: unknown) => {
  if (!mayNotRead.has(codeOf(thrown))) throw thrown;
  return undefined;
};

/** For reads that may be forbidden: the daemon runs without them. */
async function readable<Data>(reading: Promise<Data>, call: string): Promise<Data> {
  const data = await reading.catch(orForbidden);
  if (data === undefined) throw new Unchecked(`may not be read: tick ${call} for the partner to have it checked`);
  return data;
}

/** Any answer counts as trusted, and so does a failure that has nothing to do with the certificate. */
const trusts =
  (call: (signal: AbortSignal) => Promise<unknown>, url: URL, howToTrust: (sha256: string) => string): Look =>
  async (signal) => {
    const thrown: unknown = await call(signal).catch((error: unknown) => error);
    if (signal.aborted) throw signal.reason;
    if (!(thrown instanceof Failure) || !/_untrusted$|_certificate_changed$/.test(thrown.code)) return "trusted";
    const why = thrown.cause instanceof TransportError ? ` (${thrown.cause.reason})` : "";
    const text = thrown.code.endsWith("changed") ? "differs from the fingerprint" : `is not trusted${why}`;
    // With colons: without them it may hold 16 digits in a row, which are never shown.
    const { fingerprint256 } = await certificateOf(url);
    throw new Fault(thrown.code, text, howToTrust(fingerprint256));
  };

const types = ["text", "digits", "a date", "a choice"];

function kibField(fields: Parameters<typeof fieldProblem>[0], { hikcentral }: Config): string {
  const { kibFieldId: id, kibFieldName: name, kibFieldType: configured } = hikcentral;
  const problem = fieldProblem(fields, { id, name });
  if (problem)
    throw new Fault("custom_field_missing", problem, "set hikcentral.kib_field_id and kib_field_name to its KIB field");
  const type = fields.find((field) => field.id === id)?.type ?? 0;
  if (type === configured || (configured === undefined && type < 2))
    return `custom field ${id} is ${name}, ${types[type]}`;
  const text = `custom field ${id} takes ${types[type] ?? `type ${type}`}, not ${types[configured ?? 1]}`;
  throw new Fault(
    "custom_field_type",
    text,
    configured === undefined
      ? "create a field for text or digits and set hikcentral.kib_field_id"
      : "remove hikcentral.kib_field_type from the configuration",
  );
}
