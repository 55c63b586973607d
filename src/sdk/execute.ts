import * as v from "valibot";
import type { Headers, Outgoing } from "../broker/broker.ts";
import { ManagedDelivery } from "../broker/managed-delivery.ts";
import type { Outcome } from "../errors.ts";
import type { Entry } from "../ledger/subjects.ts";
import type { Log } from "../observability/log.ts";
import type { Pause } from "../pipeline/consume-session.ts";
import { DeliveryHandler } from "../pipeline/delivery-handler.ts";
import type { HandlerDeps } from "../pipeline/stage-context.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { type Context, defineStage, end } from "../stage.ts";
import { parseJson } from "../util/exact-json.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";
import { Arrivals } from "../util/turns/arrivals.ts";

export interface ExecutionOptions {
  clients: (signal: AbortSignal) => Pick<Context, "hikcentral" | "eposh" | "photo" | "memory" | "records" | "site">;
  log: Log;
  headers?: Headers;
  /** As if it had been delivered before. */
  again?: boolean;
  signal?: AbortSignal;
  dryRun?: boolean;
  now?: () => Date;
}

/** What the daemon would do with a message. */
export interface Execution {
  outcome: Exclude<Outcome, "requeued"> | "paused";
  /** Of the failure, or why it ended on purpose. */
  code?: string;
  text?: string;
  /** Each would go to every stage after it. */
  returned: { message: unknown; headers: Headers }[];
  /** What it handed over to stages that follow. */
  followUps: { stage: string; message: unknown; headers: Headers }[];
  warnings: { code: string; text: string }[];
}

/** Takes what a last stage returns, for it to be seen. */
const observer = defineStage({ name: "observer", queue: "observer", message: v.unknown(), run: () => end("seen") });
const nothingReturned = "it returned nothing, and no stage follows";
/** Longer than any stage takes. */
const holdForMs = 28 * 60_000;

/** Runs one message through one stage by the daemon's own handler, but without a queue: nothing is published or retried. */
export async function execute(
  registered: RegisteredStage,
  body: string,
  options: ExecutionOptions,
): Promise<Execution> {
  const { log, headers = {}, again = false, dryRun = false, now = () => new Date() } = options;
  const { stage } = registered;
  const isLast = registered.successors.length === 0;
  const seen = isLast ? [{ ...registered, stage: observer, successors: [] }] : registered.successors;
  const [first] = seen;
  const run: typeof stage.run = async (message, context) => {
    const result = await stage.run(message, context);
    return isLast && result === undefined ? end(nothingReturned) : result;
  };
  const returned: Execution["returned"] = [];
  const followUps: Execution["followUps"] = [];
  const entries: Entry[] = [];
  let pause: Pause | undefined;
  const deps: HandlerDeps = {
    broker: {
      async publish(queue: string, messages: readonly Outgoing[]) {
        const follower = registered.followers.find(({ stage }) => stage.queue === queue)?.stage.name;
        if (follower !== undefined)
          for (const { body, headers = {} } of messages)
            followUps.push({ stage: follower, message: parseJson(Buffer.from(body).toString()), headers });
        if (queue !== first?.stage.queue) return;
        for (const { body, headers = {} } of messages) returned.push({ message: parseJson(String(body)), headers });
      },
      async declare() {},
    },
    ledger: {
      record: async (...all) => void entries.push(...all),
      isCancelled: () => false,
      superseded: () => false,
      personKey: (code) => code,
      cases: { caseIdOf: () => "", idOf: () => "", marksOf: (record) => ({ record, name: "" }) },
    },
    letters: { has: async () => false, add() {} },
    journal: { async begin() {}, waiting: () => new DisposableStack(), settle() {}, requeue() {} },
    metrics: { passed() {}, personDone() {}, charged() {}, warned() {} },
    log,
    locks: new KeyedMutex(),
    arrivals: new Arrivals(),
    breakers: new Map(),
    onDeferred() {},
    delays: [{ label: "the first delay", ms: 0 }],
    holdForMs,
    clients({ signal }) {
      const { hikcentral, eposh, photo, memory, records, site } = options.clients(signal);
      return {
        hikcentral: () => hikcentral,
        eposh: () => eposh,
        photo: () => photo,
        memory: () => memory,
        records: () => records,
        site: () => site,
      };
    },
    now,
    dryRun,
  };
  const outcome = await new DeliveryHandler({
    registered: { ...registered, stage: { ...stage, run }, successors: seen },
    deps,
    delivery: new ManagedDelivery(stage.queue, Buffer.from(body), headers, again, () => {}),
    session: {
      isOver: false,
      canary: false,
      pause: undefined,
      end(why) {
        pause = why;
      },
      charge() {},
      doubts: { judge: () => ({ verdict: "pause", tries: 0 }) },
      progress() {},
    },
    hardStop: options.signal ?? new AbortController().signal,
  }).handle();
  const warnings = entries.flatMap(({ outcome, failure }) => (outcome === "warning" && failure ? [failure] : []));
  const reason = entries.findLast((entry) => entry.outcome === outcome)?.failure;
  if (reason?.text === nothingReturned) return { outcome: "done", returned, followUps, warnings };
  if (outcome !== "requeued") return { outcome, ...reason, returned, followUps, warnings };
  const why = pause ?? { code: "stage_timeout", text: `${stage.name} was aborted` };
  return { outcome: pause ? "paused" : "retry", code: why.code, text: why.text, returned, followUps, warnings };
}
