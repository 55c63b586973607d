import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { createMask } from "../../src/observability/mask.ts";
import { compare } from "../../src/reconcile/comparison.ts";
import type { Fault } from "../../src/simulator/fault-server.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { badPeople } from "./after.ts";
import type { Storm } from "./storm.ts";
import { seenBy } from "./weather/upstreams.ts";

const page = (number: number) => `"pageNo":${number},"pageSize":500`;
const failing = "comparison's list failing";
const lying = "comparison's list lying";
const members = (group: string, { holds = [], ...fault }: Fault): Fault => ({
  ...fault,
  match: "group/single/personList",
  holds: [`"privilegeGroupId":"${group}"`, ...[holds].flat()],
});
/** Each once. */
const faults: readonly Fault[] = [
  members("1", { ...refusals["5xx"], name: failing }),
  members("2", { kind: "short-page", name: lying }),
  members("6", { kind: "wrong-total", by: -1_000, name: lying, holds: page(1) }),
  members("7", { kind: "same-page", name: lying, holds: page(2) }),
  members("8", { ...refusals.busy, name: failing }),
  members("9", { kind: "reset", name: failing }),
  { ...refusals["5xx"], match: "person/personList", name: failing, holds: page(2) },
  { kind: "short-page", match: "person/personList", name: lying, holds: page(2) },
  { kind: "same-page", match: "person/personList", name: lying, holds: page(3) },
];
export const comparisonKinds = [failing, lying];

/** What the comparison thinks wrong where all is right, because lists fail and lie. */
export async function comparedThroughLies({ simulators, victim, tally }: Storm): Promise<string[]> {
  const { hikcentral, eposh } = simulators;
  const { config, secrets } = readConfig({ env: victim.site.env, defaultFile: "/nonexistent" });
  const write = (text: string) => void victim.output.push(text);
  const log = createLog({ level: "warn", format: "json", mask: createMask(secrets), write });
  await using clients = createClients(config, log);
  const [before, writes] = [comparisonKinds.map((kind) => seenBy(hikcentral.faults, kind)), hikcentral.writes.length];
  hikcentral.faults.set(...faults.map((fault) => ({ ...fault, times: 1 })));
  const dates = [...eposh.days.keys()];
  const found = await compare(clients, config, { dates, signal: AbortSignal.timeout(60_000), say: log.warn });
  hikcentral.faults.set();
  for (const [at, kind] of comparisonKinds.entries())
    tally.add(kind, seenBy(hikcentral.faults, kind) - (before[at] ?? 0));
  const problems = found.differences.map(
    ({ code, kib, text }) => `the comparison finds ${code} of KIB ${kib}: ${text}`,
  );
  if (found.unusable !== badPeople) problems.push(`the comparison cannot use ${found.unusable} records`);
  if (!found.isWhole || found.unchecked > 0) problems.push("the comparison is not whole");
  if (hikcentral.writes.length > writes) problems.push("the comparison has written");
  return problems;
}
