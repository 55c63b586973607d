import { createClients } from "../clients.ts";
import { brokerAt, type Config, type LocalConfig } from "../config/load.ts";
import { createLog } from "../observability/log.ts";
import type { Mask } from "../observability/mask.ts";
import type { Examination, Finding } from "../operator/examination.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { Fetch } from "../upstreams/http.ts";
import { examineBroker } from "./broker.ts";
import { examineMachine } from "./machine.ts";
import { type Examine, examiner } from "./probe.ts";
import { examineEposh, examineHikCentral } from "./upstreams.ts";

export interface SystemsOptions {
  /** Their queues are looked at; none where they do not load. */
  registered: Promise<readonly RegisteredStage[]>;
  /** A queue that waits for its paused stage. */
  isPaused?: (queue: string) => boolean;
  mask: Mask;
  signal: AbortSignal;
}

/** Probes the machine of the one who asks. No probe changes anything: no lock, no file, no queue, no write. */
export function examineThisMachine(
  config: LocalConfig,
  load: () => Promise<RegisteredStage[]>,
  signal: AbortSignal,
): { examination: Examination; registered: Promise<readonly RegisteredStage[]> } {
  const registered = Promise.withResolvers<readonly RegisteredStage[]>();
  const examination = begin("this machine", config.state.folder, signal, async (examine) => {
    registered.resolve(await examineMachine(examine, config, load));
  });
  return { examination, registered: registered.promise };
}

/** Probes the upstreams and the broker, concurrently, with the configuration of the one who asks. */
export function examineSystems(config: Config, { registered, isPaused, mask, signal }: SystemsOptions): Examination[] {
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
  // The findings say all that there is to say.
  const log = createLog({ level: "error", mask, write: () => true });
  const clients = createClients(asked, log, undefined, { fetch: fetchAndLook });
  const examinations = [
    begin("Eposh", new URL(config.eposh.url).host, signal, (examine) =>
      examineEposh(examine, config, clients, clockOf),
    ),
    begin("HikCentral", new URL(config.hikcentral.url).host, signal, (examine) =>
      examineHikCentral(examine, config, clients, clockOf),
    ),
    begin("the broker", brokerAt(config), signal, async (examine) =>
      examineBroker(examine, config, await registered, isPaused),
    ),
  ];
  void Promise.allSettled(examinations.map(({ findings }) => findings)).then(() => clients[Symbol.asyncDispose]());
  return examinations;
}

function begin(
  system: string,
  at: string,
  signal: AbortSignal,
  look: (examine: Examine) => Promise<void>,
): Examination {
  const soFar: Finding[] = [];
  const findings = look(examiner(system, soFar, signal))
    .then(() => soFar)
    .finally(() => {
      examination.isDone = true;
    });
  const examination = { system, at, isDone: false, soFar, findings };
  return examination;
}
