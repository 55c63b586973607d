import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { type Broker, BrokerDown, type Delivery } from "../broker/broker.ts";
import type { FailureCode } from "../errors/codes.ts";
import { textOf } from "../errors.ts";
import type { Entry, Ledger, TraceOutcome } from "../ledger/ledger.ts";
import type { Mask } from "../observability/mask.ts";
import { normalNik } from "../people/nik.ts";
import { entriesOf } from "../pipeline/emit.ts";
import {
  bodyOf,
  decodeHeaders,
  type Envelope,
  encodeHeaders,
  type FailureRecord,
  personOf,
} from "../pipeline/envelope.ts";
import { deadQueueOf } from "../pipeline/retry/queues.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { untilAborted } from "../util/abort.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";
import { shellWord } from "../util/text/shell-word.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
/** Which dead letters; without ids, stage, code and run all of them. */
export const selection = v.strictObject({
  ids: v.optional(v.array(v.string())),
  stage: v.optional(v.string()),
  code: v.optional(v.string()),
  run: v.optional(v.string()),
  limit: v.optional(count),
  /** Dead letters a second. */
  rate: v.optional(count),
  dryRun: v.optional(v.boolean()),
  /** Also replay data that is over a day old. */
  stale: v.optional(v.boolean()),
  /** Confirms that all are meant. */
  all: v.optional(v.boolean()),
});
export type Selection = v.InferOutput<typeof selection>;

export interface DeadLetter {
  /** Stays the same while the dead letter is kept, and when the same message fails again. */
  id: string;
  /** The stage that failed; it may no longer exist. */
  stage: string;
  queue: string;
  code: string;
  text: string;
  attempts: number;
  first: string;
  last: string;
  run?: string | undefined;
  kib?: string | undefined;
  name?: string | undefined;
  fetched?: string | undefined;
}

export interface Group extends Pick<DeadLetter, "stage" | "code" | "text" | "first" | "last"> {
  count: number;
  /** The first few. */
  ids: string[];
}

/** Dead letters that were kept, and why. */
export interface Skipped {
  text: string;
  count: number;
}

export interface BatchResult {
  /** Replayed or dropped, or would have been. */
  count: number;
  left: Skipped[];
  /** IDs that no dead letter has. */
  unknown: string[];
  /** The failure that ended the batch early. */
  trouble?: string;
}

type OpenedLetter = {
  letter: DeadLetter;
  meta: Envelope;
  body: unknown;
  delivery: Delivery;
  registered: RegisteredStage | undefined;
};

export interface DeadLetterOptions {
  broker: Broker;
  ledger: Ledger;
  registered: readonly RegisteredStage[];
  /** Main queues whose dead letters are listed, including those of former stages. */
  queues: () => readonly string[];
  mask: Mask;
  now: () => Date;
}

const maxIds = 20;
const maxBodyCharacters = 64 * 1024;
const oldMs = 86_400_000;
/** How long a command waits for another one that reads or replays dead letters. */
const lockWaitMs = 5_000;
const kibsHere = "{kibs}";

/** Also one of blanks or full-width digits; what is too short for a NIK is shown, because it says what is wrong. */
const withoutNik = (key: string, value: unknown) =>
  key === "identity_number" && (normalNik(value) ?? "").length >= 6 ? "[nik]" : value;

/** The messages that a human must look at, in their queues. */
export class DeadLetters {
  /** While one command browses, the messages are in progress, and another command would not find them. */
  readonly #browseLock = new KeyedMutex();

  constructor(readonly options: DeadLetterOptions) {}

  /** By stage and code, the most frequent first. */
  async list(selected: Selection = {}): Promise<{ total: number; groups: Group[] }> {
    const groups = new Map<string, Group>();
    let total = 0;
    for await (const { letter } of this.#letters(selected)) {
      const { id, stage, code, text, first, last } = letter;
      const key = `${stage} ${code}`;
      const group = groups.get(key) ?? { stage, code, count: 0, text, first, last, ids: [] };
      groups.set(key, group);
      total += 1;
      group.count += 1;
      if (first < group.first) group.first = first;
      if (last > group.last) group.last = last;
      if (group.ids.length < maxIds) group.ids.push(id);
    }
    return { total, groups: [...groups.values()].sort((a, b) => b.count - a.count) };
  }

  /** With its history and its body as text, without a NIK. */
  async show(id: string): Promise<(DeadLetter & { history: readonly FailureRecord[]; body: string }) | undefined> {
    const { mask } = this.options;
    for await (const { letter, meta, body, delivery } of this.#letters({ ids: [id] })) {
      const text = body === undefined ? new TextDecoder().decode(delivery.body) : JSON.stringify(body, withoutNik, 2);
      // A NIK may have fewer digits than the mask looks for, or letters.
      const safe = (meta.code ?? "").length < 6 ? text : text.replaceAll(meta.code ?? "", "[nik]");
      const history = meta.history.map((one) => ({ ...one, text: mask(one.text) }));
      return { ...letter, history, body: mask(safe).slice(0, maxBodyCharacters) };
    }
    return undefined;
  }

  /** Back to its stage: confirmed there before it is deleted here. */
  replay(selected: Selection, signal?: AbortSignal): Promise<BatchResult> {
    const skip = (found: OpenedLetter) => this.#reasonToSkip(found, selected);
    return this.#handle(selected, signal, skip, async (found) => {
      const { meta, delivery, registered } = found;
      const { broker, ledger } = this.options;
      const headers = encodeHeaders({ ...meta, attempt: 0, dueAt: undefined });
      // Before the publish: after it the stage may already have recorded its outcome.
      await ledger.record(...this.#entries(found, "replayed"));
      try {
        const published = broker.publish(registered?.stage.queue ?? "", [{ body: delivery.body, headers }]);
        // During an alarm RabbitMQ confirms nothing, or takes the dead letter back.
        await untilAborted(published, signal ? AbortSignal.any([delivery.revoked, signal]) : delivery.revoked);
      } catch (error) {
        await ledger.record(...this.#entries(found, "dead"));
        throw error;
      }
      delivery.ack();
    });
  }

  /** Deletes permanently. */
  drop(selected: Selection, signal?: AbortSignal): Promise<BatchResult> {
    const none = () => undefined;
    return this.#handle(selected, signal, none, async (found) => {
      found.delivery.ack();
      await this.options.ledger.record(...this.#entries(found, "dropped"));
    });
  }

  async #handle(
    selected: Selection,
    signal: AbortSignal | undefined,
    reasonToSkip: (found: OpenedLetter) => string | undefined,
    act: (found: OpenedLetter) => Promise<void>,
  ): Promise<BatchResult> {
    const { ids, limit = Number.POSITIVE_INFINITY, dryRun = false } = selected;
    const rate = dryRun ? limit : (selected.rate ?? limit);
    const unknown = new Set(ids);
    const left = new Map<string, Map<string, string | undefined>>();
    const handled = new Set<string>();
    let [total, trouble] = [0, undefined as string | undefined];
    for (let going = true; going; ) {
      const share = Math.min(rate, limit - total);
      // A dead letter that failed again within this batch is not replayed twice.
      const before = new Set(handled);
      let done = 0;
      try {
        for await (const found of this.#letters(selected)) {
          const { id, kib } = found.letter;
          unknown.delete(id);
          const reason = before.has(id) ? undefined : reasonToSkip(found);
          if (reason !== undefined) left.set(reason, (left.get(reason) ?? new Map()).set(id, kib));
          if (reason !== undefined || before.has(id)) continue;
          if (signal?.aborted) break;
          if (!dryRun) await act(found);
          handled.add(id);
          total += 1;
          if (++done === share) break;
        }
      } catch (error) {
        trouble = textOf(error);
      }
      going = done === share && total < limit && !signal?.aborted && trouble === undefined;
      if (going) await sleep(1_000, undefined, signal && { signal }).catch(() => {});
    }
    const texts = [...left].map(([reason, letters]) => {
      const kibs = [...letters.values()].filter(Boolean).join(",");
      return { count: letters.size, text: reason.replace(kibsHere, kibs && ` --kib ${shellWord(kibs)}`) };
    });
    return { count: total, left: texts, unknown: total < limit ? [...unknown] : [], ...(trouble && { trouble }) };
  }

  async *#letters({ ids, stage, code, run }: Selection): AsyncGenerator<OpenedLetter> {
    const { broker, queues } = this.options;
    using _lock = await this.#browseLock.acquire("", AbortSignal.timeout(lockWaitMs)).catch(() => {
      throw new BrokerDown("another command is busy with the dead letters; try again in a moment");
    });
    const depths = await broker.depths(queues().map(deadQueueOf));
    for (const queue of queues()) {
      if (!depths.has(deadQueueOf(queue))) continue;
      for await (const delivery of broker.browse(deadQueueOf(queue))) {
        const found = this.#read(delivery, queue);
        const { letter } = found;
        const is = (wanted: string | undefined, value: string | undefined) => wanted === undefined || wanted === value;
        const named = ids?.includes(letter.id) ?? true;
        if (named && is(stage, letter.stage) && is(code, letter.code) && is(run, letter.run)) yield found;
      }
    }
  }

  #read(delivery: Delivery, queue: string): OpenedLetter {
    const { registered: stages, mask, now } = this.options;
    const body = bodyOf(delivery);
    const meta = decodeHeaders(delivery, body, now());
    const reason = meta.history.at(-1);
    const registered = stages.find(({ stage }) => stage.queue === queue);
    const first = meta.firstSeenAt.toISOString();
    const { name } = (personOf(body) && (body as { employee?: { name?: unknown } }).employee) ?? {};
    const letter = {
      id: createHash("sha256").update(`${queue}\n${meta.id}\n`).update(delivery.body).digest("hex").slice(0, 12),
      stage: registered?.stage.name ?? reason?.stage ?? queue,
      queue,
      code: reason?.code ?? ("unknown" satisfies FailureCode),
      text: mask(reason?.text ?? "no reason was recorded"),
      attempts: meta.attempt,
      first,
      last: reason?.at ?? first,
      run: meta.run,
      kib: meta.kib,
      name: typeof name === "string" ? mask(name).slice(0, 100) : undefined,
      fetched: meta.fetchedAt?.toISOString(),
    };
    return { letter, meta, body, delivery, registered };
  }

  /** Why not to replay it, and what to do instead. */
  #reasonToSkip({ registered, letter, meta }: OpenedLetter, { stale = false }: Selection): string | undefined {
    const { ledger, now } = this.options;
    if (registered === undefined)
      return `stage ${letter.stage} of ${letter.queue} no longer exists: restore the stage, or drop them`;
    if (ledger.isCancelled(meta.run)) return `run ${meta.run} was cancelled: trigger its dates again, or drop them`;
    const ageMs = now().getTime() - (meta.fetchedAt ?? meta.firstSeenAt).getTime();
    if (registered.stage.name !== "create-person" || ageMs <= oldMs || stale) return undefined;
    const [run] = ledger.rows<{ dates: string }>("select dates from runs where id = ?", meta.run ?? "");
    const dates = run ? (JSON.parse(run.dates) as string[]) : [];
    const trigger = `hikvision-sync trigger --from ${dates[0] ?? "DATE"} --to ${dates.at(-1) ?? "DATE"}${kibsHere}`;
    return `their data is over a day old: fetch it again with  ${trigger}  and drop them, or replay them with --stale`;
  }

  #entries({ letter, meta, body }: OpenedLetter, outcome: TraceOutcome): Entry[] {
    const { run, attempt, fetchedAt, id, kind, inducted, repeat, repeats, code, kib } = meta;
    const { stage, code: why, text } = letter;
    const failure = outcome === "dead" ? { failure: { code: why, text } } : {};
    const base = { run, stage, outcome, at: this.options.now(), attempt, fetchedAt, ...failure };
    return entriesOf({ id, kind, inducted, repeat, repeats, code, kib, message: body }, base);
  }
}
