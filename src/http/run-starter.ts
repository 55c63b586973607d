import type { Broker } from "../broker/broker.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { StartedBy } from "../ledger/runs.ts";
import { encodeHeaders } from "../pipeline/envelope.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { untilAborted } from "../util/abort.ts";
import { backoff } from "../util/backoff.ts";
import { operatorCaller, unfetched, WaitingRuns } from "./waiting-runs.ts";

/** The dates of a run, or the problem with the requested ones. */
export type DatesFor = (asked: Asked) => { dates: string[] } | { problem: string };

export interface Asked {
  from?: string | undefined;
  to?: string | undefined;
  skip?: string[] | undefined;
}

export interface RunRequest extends Asked {
  limit?: number | undefined;
  kib?: string[] | undefined;
  /** Compare every photo with the face in HikCentral, also one whose link is known. */
  refresh_faces?: boolean | undefined;
  /** Leave out records that went through all stages within the last 24 hours just as they are. */
  skip_unchanged?: boolean | undefined;
}

/** The result of a request. */
export type Started =
  | { outcome: "accepted"; run: string }
  /** All its dates are fetched, and their employees are in the queues of the broker `to`. */
  | { outcome: "fetched"; run: string; employees: number; pages: number; to: string }
  /** That run fetches these dates already. */
  | { outcome: "running"; run: string }
  | { outcome: "refused"; text: string }
  /** This caller has too much waiting. */
  | { outcome: "crowded"; text: string }
  /** One of its dates could not be fetched, at least for now. */
  | { outcome: "failed"; text: string; run: string }
  /** If `run` is given, the run starts when the broker accepts messages again. */
  | { outcome: "unavailable"; text: string; run?: string };

export interface RunStarterOptions {
  broker: Broker;
  ledger: Ledger;
  pipeline: Pipeline;
  /** The induction stage's queue. */
  queue: string;
  datesFor: DatesFor;
  /** Closes the runs of which no queue holds anything any more. */
  closeLostRuns: () => Promise<void>;
  now: () => Date;
}

/** Within it the broker must have the run, or the answer says that this is not known. */
const patienceMs = 1_800;
/** How long to wait for a broker that is still connecting. */
const connectingMs = 1_000;
const inductionDisabled = "the stage induction is disabled here; remove it from stages.disabled";

/** Starts a run: durable once its messages, one for each date, are confirmed. */
export class RunStarter {
  #last: Promise<unknown> = Promise.resolve();
  readonly #waiting: WaitingRuns;

  constructor(readonly options: RunStarterOptions) {
    this.#waiting = new WaitingRuns(options.ledger.rows);
  }

  async start(
    request: RunRequest,
    wait: boolean,
    by: StartedBy = { how: "trigger" },
    caller = operatorCaller,
  ): Promise<Started> {
    // One at a time: of two concurrent triggers only one may find its dates free.
    const begun = this.#last.then(() => this.#begin(request, wait, by, caller));
    this.#last = begun.catch(() => {});
    return (await begun).answer;
  }

  /** Resolves once the run is durable; `answer` may come much later. */
  async #begin(
    request: RunRequest,
    wait: boolean,
    by: StartedBy,
    caller: string,
  ): Promise<{ answer: Started | Promise<Started> }> {
    const { broker, ledger, pipeline, queue, datesFor, now } = this.options;
    const late = AbortSignal.timeout(patienceMs);
    const found = datesFor(request);
    if ("problem" in found) return { answer: { outcome: "refused", text: found.problem } };
    const { dates } = found;
    const { limit, kib, refresh_faces: refreshFaces = false, skip_unchanged: skipUnchanged = false } = request;
    const coveringRun = () => (refreshFaces ? undefined : this.#covering(dates));
    let covering = coveringRun();
    if (covering !== undefined) {
      await untilAborted(this.options.closeLostRuns(), late).catch(() => {});
      covering = coveringRun();
    }
    if (covering !== undefined) return { answer: { outcome: "running", run: covering } };
    const crowded = this.#waiting.problem(caller, dates.length);
    if (crowded !== undefined) return { answer: { outcome: "crowded", text: crowded } };
    if (!(await this.#brokerIsUp())) return { answer: brokerDown(broker) };
    if (!pipeline.worker("induction")) return { answer: { outcome: "unavailable", text: inductionDisabled } };

    const run = `${now().toISOString().slice(0, 16).replace(/[-:]/g, "")}-${crypto.randomUUID().slice(0, 8)}`;
    // A limit counts over all dates, so they go in one message; otherwise each date is retried for itself.
    const tasks = (limit === undefined ? dates.map((date) => [date]) : [dates]).map((part) => ({
      run,
      dates: part,
      ...(limit === undefined ? {} : { limit }),
      ...(kib === undefined ? {} : { kib }),
    }));
    const none = { kib: undefined, code: undefined, fetchedAt: undefined };
    const subject = { kind: "task", run, startedAt: now(), refreshFaces, skipUnchanged, ...none } as const;
    const messages = tasks.map((task, at) => {
      // Said only where the date is fetched as a whole: the ledger then knows who is no longer there.
      const inducted = limit === undefined && kib === undefined ? task.dates[0] : undefined;
      return { body: JSON.stringify(task), headers: encodeHeaders({ ...subject, inducted, id: `${run}/${at}` }) };
    });
    this.#waiting.note(caller, run, dates.length);
    const through = wait ? this.#workedOff(run, tasks.length) : undefined;
    const begin = async () => {
      // The daemon answers a moment before its queues are declared.
      await broker.declare([queue]);
      await broker.publish(queue, messages);
      const asked = { ...(limit ? { limit } : {}), ...(kib ? { kib } : {}) };
      ledger.openRun({ id: run, at: now(), dates, tasks: tasks.length, by, ...asked });
    };
    const begun = begin().then(
      () => "yes" as const,
      () => "no" as const,
    );
    // n.b. RabbitMQ reports an alarm only after a publish. It has the messages then and accepts them after the alarm.
    const blocked = Promise.withResolvers<"blocked">();
    const stopListening = broker.onState((state) => state === "blocked" && blocked.resolve("blocked"));
    const became = await untilAborted(Promise.race([begun, blocked.promise]), late).catch(() => "late" as const);
    stopListening();
    if (became !== "yes") {
      through?.cancel();
      const answers = { no: brokerDown, blocked: brokerBlocked, late: brokerSilent };
      return { answer: answers[became](broker, run) };
    }
    return { answer: through?.answer ?? { outcome: "accepted", run } };
  }

  /** Right after the start the broker may still be connecting: waits for it, unless a reason is known. */
  async #brokerIsUp(): Promise<boolean> {
    const { broker } = this.options;
    for await (const _ of backoff({ firstMs: 50, signal: AbortSignal.timeout(connectingMs) }))
      if (broker.state !== "connecting" || broker.trouble) break;
    return broker.state === "up";
  }

  /** A run in progress that already fetches all of these dates, for all employees. */
  #covering(dates: readonly string[]): string | undefined {
    const open = `select id, dates from runs r where people_limit is null and kib is null and ${unfetched}
      order by at desc`;
    const runs = this.options.ledger.rows<{ id: string; dates: string }>(open);
    const covers = (run: { dates: string }) => new Set(JSON.parse(run.dates) as string[]).isSupersetOf(new Set(dates));
    return runs.find(covers)?.id;
  }

  /** Resolves when all dates of a run are fetched, or at the first failure; the other dates continue. */
  #workedOff(run: string, tasks: number): { answer: Promise<Started>; cancel: () => void } {
    const { ledger, pipeline, broker } = this.options;
    const { promise, resolve } = Promise.withResolvers<Started>();
    const people = new Set<string>();
    const pages = new Set<string>();
    let done = 0;
    const failure = (text: string, next = "the date will be tried again") =>
      resolve({ outcome: "failed", text: `${text}; ${next}`, run });
    const nexts = { dead: "see: hikvision-sync dead list", ended: "an operator cancelled the run" };
    const stopRecords = ledger.onRecord((entries) => {
      for (const { run: of, stage, kind, item, outcome, failure: why } of entries) {
        if (of !== run || stage !== "induction") continue;
        if (kind === "person") people.add(item);
        if (kind === "page") pages.add(item);
        if (kind !== "task" || outcome === "warning") continue;
        if (outcome === "done") done++;
        else if (why) failure(why.text, outcome === "dead" || outcome === "ended" ? nexts[outcome] : undefined);
      }
      if (done === tasks)
        resolve({ outcome: "fetched", run, employees: people.size, pages: pages.size, to: broker.label });
    });
    const stopPauses = pipeline.onPause((stage, pause) => stage === "induction" && failure(pause.text));
    const paused = pipeline.worker("induction")?.state.pause;
    if (paused) failure(paused.text);
    const cancel = () => {
      stopRecords();
      stopPauses();
    };
    return { answer: promise.finally(cancel), cancel };
  }
}

const brokerDown = ({ label, trouble }: Broker): Started => ({
  outcome: "unavailable",
  text: `${label} cannot be reached (${trouble ?? "no connection"}); trigger again when it is back`,
});

const brokerBlocked = ({ label, trouble }: Broker, run: string): Started => ({
  outcome: "unavailable",
  text: `${trouble ?? `${label} is blocked`}; run ${run} starts when the broker accepts messages again`,
  run,
});

const brokerSilent = ({ label }: Broker, run: string): Started => ({
  outcome: "unavailable",
  text: `${label} does not answer now; run ${run} may still start, see: hikvision-sync runs; otherwise trigger again`,
  run,
});
