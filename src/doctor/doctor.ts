import { createClients } from "../clients.ts";
import { brokerAt, type Config } from "../config/load.ts";
import type { Log } from "../observability/log.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { Fetch } from "../upstreams/http.ts";
import { examineBroker } from "./broker.ts";
import { examineMachine } from "./machine.ts";
import { type Examine, examiner, type Finding } from "./probe.ts";
import { examineEposh, examineHikCentral } from "./upstreams.ts";

export interface DoctorOptions {
  log: Log;
  load: () => Promise<RegisteredStage[]>;
  signal: AbortSignal;
}

export interface Examination {
  system: string;
  /** Where it is. */
  at: string;
  /** In the order in which the probes were made. */
  findings: Promise<Finding[]>;
}

/** Probes everything that a run needs, concurrently, and changes nothing: no lock, no file, no queue, no write. */
export function examineAll(config: Config, { log, load, signal }: DoctorOptions): Examination[] {
  const aheadMs = new Map<string, number>();
  const fetchAndLook: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) aheadMs.set(new URL(url).host, date - Date.now());
    return response;
  };
  const clockOf = (url: string) => aheadMs.get(new URL(url).host);
  // One employee proves as much as a hundred.
  const asked = { ...config, eposh: { ...config.eposh, pageSize: 1 } };
  const clients = createClients(asked, log, undefined, { fetch: fetchAndLook });

  const begin = (system: string, at: string, look: (examine: Examine) => Promise<void>): Examination => {
    const found: Finding[] = [];
    const examine = examiner(system, (finding) => found.push(finding), signal);
    return { system, at, findings: look(examine).then(() => found) };
  };
  const registered = Promise.withResolvers<readonly RegisteredStage[]>();
  const examinations = [
    begin("this machine", config.state.folder, async (examine) => {
      registered.resolve(await examineMachine(examine, config, load));
    }),
    begin("Eposh", new URL(config.eposh.url).host, (examine) => examineEposh(examine, config, clients, clockOf)),
    begin("HikCentral", new URL(config.hikcentral.url).host, (examine) =>
      examineHikCentral(examine, config, clients, clockOf),
    ),
    begin("the broker", brokerAt(config), async (examine) => examineBroker(examine, config, await registered.promise)),
  ];
  void Promise.allSettled(examinations.map(({ findings }) => findings)).then(() => clients[Symbol.asyncDispose]());
  return examinations;
}
