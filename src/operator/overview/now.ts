import { depthsOf, unconsumedOf, unreachableOf } from "../../broker/known-queues.ts";
import { todayIn } from "../../config/dates.ts";
import { type Funnel, funnelOf } from "../../ledger/today.ts";
import type { Pause } from "../../pipeline/consume-session.ts";
import type { ShownState } from "../../upstreams/circuit-breaker.ts";
import { type Cause, causesOf } from "../cases.ts";
import type { Operator } from "../operator.ts";

export interface SystemView {
  /** `Eposh` */
  name: string;
  state: ShownState;
  /** Of `down`; or the last answer of one that is not asked. */
  since: Date | undefined;
}

export interface StageView {
  name: string;
  state: "starting" | "working" | "paused" | "stalled";
  since: Date;
  pause: Pause | undefined;
  /** Null where the broker does not tell. */
  waiting: number | null;
  inFlight: number;
}

/** Something that keeps work from moving. */
export type Trouble =
  | { what: "broker" | "blocked"; name: string; detail: string; since: Date | undefined }
  | { what: "upstream"; name: string; since: Date | undefined }
  | { what: "setup" | "streak" | "operator"; name: string; code: string; detail: string; since: Date }
  | { what: "stalled"; name: string }
  | { what: "unreachable"; name: string; detail: string }
  | { what: "removed"; name: string }
  | { what: "unconsumed"; name: string; count: number };

/** Everything that the first page shows. */
export interface NowView {
  at: Date;
  /** The site's, YYYY-MM-DD. */
  today: string;
  isStarting: boolean;
  /** The gravest first. */
  troubles: Trouble[];
  funnel: Funnel;
  /** Cases that hold up their people, as `status` counts them. */
  needing: number;
  causes: Cause[];
  broker: { label: string; state: string };
  systems: SystemView[];
  stages: StageView[];
}

const proper: Readonly<Record<string, string>> = { hikcentral: "HikCentral", eposh: "Eposh" };
export const properName = (upstream: string): string => proper[upstream] ?? upstream;

/** From counters and the ledger: no queue is browsed and no upstream asked. */
export async function nowOf({ options }: Operator, timeZone: string): Promise<NowView> {
  const { broker, ledger, running, now = () => new Date() } = options;
  const at = now();
  const today = todayIn(timeZone, at);
  const pipeline = running?.pipeline;
  const isUp = broker.state === "up";
  const depths = isUp && pipeline ? await depthsOf(broker, pipeline.knownQueues) : new Map<string, never>();
  const stages = (pipeline?.workers ?? []).map(({ registered, state, stalledMs, inFlight }): StageView => {
    const { pause, since, hasStarted } = state;
    const { name, queue } = registered.stage;
    const word = pause ? "paused" : stalledMs !== undefined ? "stalled" : hasStarted ? "working" : "starting";
    return { name, state: word, since, pause, waiting: depths.get(queue)?.ready ?? null, inFlight };
  });
  const breakers = [...(running?.breakers.values() ?? [])];
  const causes = causesOf(ledger);
  const unhurried = new Set(
    options.registered.flatMap(({ stage }) => (stage.follows === undefined ? [] : [stage.name])),
  );
  const troubles: Trouble[] = [
    ...(running?.removed.paths ?? []).map((name): Trouble => ({ what: "removed", name })),
    ...brokerTrouble(broker),
    ...breakers.flatMap(({ name, state, downSince }): Trouble[] =>
      state === "down" ? [{ what: "upstream", name: properName(name), since: downSince }] : [],
    ),
    ...stages.flatMap((stage) => (unhurried.has(stage.name) ? [] : stageTrouble(stage))),
    ...unreachableOf(broker).map(({ queue, why }): Trouble => ({ what: "unreachable", name: queue, detail: why })),
    ...unconsumedOf(depths, pipeline?.consumedQueues ?? new Set()).map(
      ({ queue, ready }): Trouble => ({ what: "unconsumed", name: queue, count: ready }),
    ),
  ];
  const photos = running && [{ name: "photo", shown: running.photos.shown }];
  return {
    at,
    today,
    isStarting: stages.some(({ state, name }) => state === "starting" && !broker.unreachable.has(name)),
    troubles,
    funnel: funnelOf(ledger.rows, today),
    needing: causes.reduce((sum, { kind, count }) => sum + (kind === "dead letter" ? count : 0), 0),
    causes,
    broker: { label: broker.label, state: broker.state },
    systems: [...breakers, ...(photos ?? [])].map(({ name, shown }) => ({ name: properName(name), ...shown })),
    stages,
  };
}

function brokerTrouble({ state, label, trouble }: Operator["options"]["broker"]): Trouble[] {
  if (state === "up") return [];
  // Right after the start it is connecting, and nothing is wrong yet.
  if (state === "connecting" && trouble === undefined) return [];
  const what = state === "blocked" ? "blocked" : "broker";
  return [{ what, name: label, detail: trouble ?? "", since: undefined }];
}

function stageTrouble({ name, state, pause, since }: StageView): Trouble[] {
  if (state === "stalled") return [{ what: "stalled", name }];
  // An outage is the upstream's trouble.
  if (pause === undefined || pause.reason === "outage") return [];
  return [{ what: pause.reason, name, code: pause.code, detail: pause.text, since }];
}
