import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { Broker } from "../broker/broker.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { encodeHeaders } from "../pipeline/envelope.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";

/** The dates of a run, or a text that says what is wrong with what was asked. */
export type DatesFor = (asked: Asked) => { dates: string[] } | { problem: string };

export interface Asked {
  from?: string | undefined;
  to?: string | undefined;
  skip?: string[] | undefined;
}

export interface TriggerOptions {
  broker: Broker;
  ledger: Ledger;
  pipeline: Pipeline;
  /** The induction stage's queue. */
  queue: string;
  datesFor: DatesFor;
  now: () => Date;
}

type Answer = { status: 200 | 202 | 400 | 409 | 502 | 503; body: Record<string, unknown> };

const list = v.pipe(
  v.union([v.string(), v.number(), v.array(v.union([v.string(), v.number()]))]),
  v.transform((value) =>
    [value]
      .flat()
      .flatMap((one) => String(one).split(","))
      .map((one) => one.trim()),
  ),
  v.minLength(1),
  v.everyItem((one) => one !== ""),
);
const asked = v.strictObject({
  from: v.optional(v.string()),
  to: v.optional(v.string()),
  skip: v.optional(list),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000))),
  kib: v.optional(list),
});
export type TriggerRequest = v.InferOutput<typeof asked>;

const expectations: Record<string, string> = {
  from: "a date such as 2026-01-31",
  to: "a date such as 2026-01-31",
  skip: "a date or a list of dates",
  limit: "a whole number of people, 1 to 1000000",
  kib: "a KIB number or a list of them",
};

/** The body of a trigger: empty, or a JSON object; the content type does not matter. */
export function parseRequest(text: string): TriggerRequest | { problem: string } {
  let body: unknown = {};
  try {
    if (text.trim() !== "") body = JSON.parse(text);
  } catch {
    return {
      problem: 'the body is not JSON; send nothing, or for example {"from":"2026-01-01","to":"2026-01-19"}',
    };
  }
  const parsed = v.safeParse(asked, body);
  if (parsed.success && !Array.isArray(body)) return parsed.output;
  if (!parsed.issues) return { problem: "the body must be a JSON object" };
  const problems = parsed.issues.map((issue) => {
    const [first] = issue.path ?? [];
    const key = String(first?.key ?? "");
    if (first === undefined) return "the body must be a JSON object";
    if (Object.hasOwn(expectations, key)) return `${key} must be ${expectations[key]}`;
    // What is no word is not said again: it may be a NIK.
    const named = /^[a-z_-]{1,30}$/i.test(key) ? key : "a field of the body";
    return `${named} is not known; there is ${Object.keys(expectations).join(", ")}`;
  });
  return { problem: [...new Set(problems)].join("; ") };
}

/** Starts a run: durable once its messages, one a date, are confirmed. */
export class Trigger {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly options: TriggerOptions) {}

  async start(request: TriggerRequest, wait: boolean): Promise<Answer> {
    // One after the other: two at once must not both find that no run covers their dates.
    const begun = this.#last.then(() => this.#begin(request, wait));
    this.#last = begun.catch(() => {});
    return (await begun).answer;
  }

  /** Begun once it is durable; `answer` may come much later. */
  async #begin(request: TriggerRequest, wait: boolean): Promise<{ answer: Answer | Promise<Answer> }> {
    const { broker, ledger, pipeline, queue, datesFor, now } = this.options;
    const found = datesFor(request);
    if ("problem" in found) return { answer: failed(400, found.problem) };
    const { dates } = found;
    const covering = this.#covering(dates);
    if (covering !== undefined) return { answer: { status: 409, body: { status: "running", run: covering } } };
    if (!(await this.#brokerIsUp())) return { answer: brokerDown(broker) };
    if (!pipeline.worker("induction"))
      return { answer: failed(503, "induction is disabled here; take it out of stages.disabled to fetch from Eposh") };

    const { limit, kib } = request;
    const run = `${now().toISOString().slice(0, 16).replace(/[-:]/g, "")}-${randomUUID().slice(0, 8)}`;
    // A limit counts over all dates, so they go in one message; otherwise each date is retried for itself.
    const tasks = (limit === undefined ? dates.map((date) => [date]) : [dates]).map((part) => ({
      run,
      dates: part,
      ...(limit === undefined ? {} : { limit }),
      ...(kib === undefined ? {} : { kib }),
    }));
    const messages = tasks.map((task, at) => ({
      body: JSON.stringify(task),
      headers: encodeHeaders({ id: `${run}/${at}`, run, kib: undefined, code: undefined, fetchedAt: undefined }),
    }));
    const through = wait ? this.#workedOff(run, tasks.length, kib) : undefined;
    const begin = async () => {
      // The daemon answers a moment before its queues are declared.
      await broker.declare([queue]);
      await broker.publish(queue, messages);
      const asked = { ...(limit ? { limit } : {}), ...(kib ? { kib } : {}) };
      ledger.openRun({ id: run, at: now(), dates, tasks: tasks.length, ...asked });
    };
    const begun = begin().then(
      () => "yes" as const,
      () => "no" as const,
    );
    // n.b. RabbitMQ tells of an alarm only who has published: then it has the messages, and takes them when it is over.
    const blocked = Promise.withResolvers<"blocked">();
    const stopListening = broker.onState((state) => state === "blocked" && blocked.resolve("blocked"));
    const became = await Promise.race([begun, blocked.promise]);
    stopListening();
    if (became !== "yes") {
      through?.cancel();
      return { answer: became === "no" ? brokerDown(broker) : brokerBlocked(broker, run) };
    }
    return { answer: through?.answer ?? { status: 202, body: { status: "accepted", run } } };
  }

  /** Right after the start it may still be connecting: that is waited for, as long as nothing speaks against it. */
  async #brokerIsUp(): Promise<boolean> {
    const { broker } = this.options;
    for (let waitedMs = 0; waitedMs < 5_000 && broker.state === "connecting" && !broker.trouble; waitedMs += 50) {
      await sleep(50);
    }
    return broker.state === "up";
  }

  /** A run in progress that fetches every one of these dates already, for everybody. */
  #covering(dates: readonly string[]): string | undefined {
    const open = `select id, dates from runs r where people_limit is null and kib is null and cancelled is null and tasks >
      (select count(*) from steps where run = r.id and kind = 'task' and stage = 'induction'
        and outcome in ('done', 'ended', 'dead', 'dropped')) order by at desc`;
    const runs = this.options.ledger.rows<{ id: string; dates: string }>(open);
    const covers = (run: { dates: string }) => new Set(JSON.parse(run.dates) as string[]).isSupersetOf(new Set(dates));
    return runs.find(covers)?.id;
  }

  /** Resolves when all of a run's dates are worked off, or at the first that fails; what is left goes on by itself. */
  #workedOff(run: string, tasks: number, kib: TriggerRequest["kib"]): { answer: Promise<Answer>; cancel: () => void } {
    const { ledger, pipeline, broker } = this.options;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const people = new Set<string>();
    const pages = new Set<string>();
    let done = 0;
    const failure = (text: string, next = "it will be tried again") => resolve(failed(502, `${text}; ${next}`, run));
    const nexts = { dead: "see hikvision-sync dead list", ended: "an operator ended the run" };
    const stopRecords = ledger.onRecord((entries) => {
      for (const { run: of, stage, kind, item, outcome, failure: why } of entries) {
        if (of !== run || stage !== "induction") continue;
        if (kind === "person") people.add(item);
        if (kind === "page") pages.add(item);
        if (kind !== "task" || outcome === "warning") continue;
        if (outcome === "done") done++;
        else if (why) failure(why.text, outcome === "dead" || outcome === "ended" ? nexts[outcome] : undefined);
      }
      if (done === tasks) resolve({ status: 200, body: queued(run, people.size, pages.size, broker.label, kib) });
    });
    const stopPauses = pipeline.onPause((stage, pause) => stage === "induction" && failure(pause.text));
    const paused = pipeline.worker("induction")?.currentPause;
    if (paused) failure(paused.text);
    const cancel = () => {
      stopRecords();
      stopPauses();
    };
    return { answer: promise.finally(cancel), cancel };
  }
}

/** What to say of a run for which Eposh gave nobody. */
export const noEmployees = (kib?: readonly string[]) =>
  kib
    ? "Eposh has nobody with these KIB numbers on these dates; check kib, from, to and skip"
    : "Eposh has no employees on these dates; check from, to and skip";

const queued = (run: string, employees: number, pages: number, label: string, kib?: readonly string[]) => ({
  status: "queued",
  message: `All dates processed: ${employees} employees across ${pages} pages sent to ${label}`,
  run,
  employees,
  pages,
  ...(employees === 0 ? { warning: noEmployees(kib) } : {}),
});

const failed = (status: 400 | 502 | 503, error: string, run?: string): Answer => ({
  status,
  body: { status: "error", error, ...(run === undefined ? {} : { run }) },
});

const brokerDown = ({ label, trouble }: Broker) =>
  failed(503, `${label} cannot be reached (${trouble ?? "no connection"}); trigger again when it is back`);

const brokerBlocked = ({ label, trouble }: Broker, run: string) =>
  failed(503, `${trouble ?? `${label} is blocked`}; run ${run} begins when it does`, run);
