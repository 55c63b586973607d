import { setTimeout as sleep } from "node:timers/promises";
import { textOf } from "../errors.ts";
import type { DeadLetter } from "../ledger/dead-letter-index.ts";
import type { Entry, TraceOutcome } from "../ledger/subjects.ts";
import { normalNik } from "../people/nik.ts";
import { entriesOf } from "../pipeline/emit.ts";
import { encodeHeaders, type FailureRecord } from "../pipeline/envelope.ts";
import type { DeadLetterQueues, DeadLetterQueuesOptions, OpenedLetter } from "../pipeline/retry/dead-letter-queues.ts";
import { untilAborted } from "../util/abort.ts";
import { shellWord } from "../util/text/shell-word.ts";
import { inParts } from "../util/turns/in-parts.ts";
import { allCasesOf, type CaseFilter, type CaseList, type CaseView, casesOf, listOf, summaryOf } from "./cases.ts";
import { DroppedFile, lineOf } from "./dropped-file.ts";
import { type BatchResult, type DropResult, isOf, meantBy, type Selection } from "./selection.ts";

/** A case with the history and the body of its newest dead letter, as text without a NIK. */
export interface ShownCase extends CaseView {
  attempts?: number;
  fetched?: string | undefined;
  history: readonly FailureRecord[];
  body?: string;
}

export interface DeadLetterOptions extends DeadLetterQueuesOptions {
  letters: DeadLetterQueues;
  /** In a command: what it begins must be finished when it ends. */
  isShortLived: boolean;
}

/** What is done to letters that are in progress together before they leave their queue. */
type Act = (found: readonly OpenedLetter[]) => Promise<void>;

const maxBodyCharacters = 64 * 1024;
const oldMs = 86_400_000;
const keepClosedMs = 30 * 86_400_000;
/** A list waits so long until the queues are compared with the index, and of that so long for a pass through them. */
const [answerMs, passWaitMs] = [1_500, 700];
/** In progress at a time. A letter is some rows of the ledger: nobody waits for more of them than for a page of employees. */
const maxTogether = 100;
const kibsHere = "{kibs}";

/** Also one of blanks or full-width digits; what is too short for a NIK is shown, because it says what is wrong. */
const withoutNik = (key: string, value: unknown) =>
  key === "identity_number" && (normalNik(value) ?? "").length >= 6 ? "[nik]" : value;

/**
 * The messages that a human must look at. Which there are is known from an index; their bodies are taken out of their
 * queues only to be shown, replayed or dropped.
 */
export class DeadLetters {
  readonly #queues: DeadLetterQueues;

  constructor(readonly options: DeadLetterOptions) {
    this.#queues = options.letters;
  }

  /** By stage and cause, with all cases. Answers within two seconds, whatever the broker does. */
  async list(selected: CaseFilter = {}): Promise<CaseList> {
    const note = await this.#compared();
    return { ...(await listOf(this.options.ledger, selected, this.options.mask)), ...(note && { note }) };
  }

  /** The same with a few cases of each cause. */
  async summary(): Promise<CaseList> {
    const note = await this.#compared();
    return { ...(await summaryOf(this.options.ledger, this.options.mask)), ...(note && { note }) };
  }

  /** Why the cases may not be all that there are. */
  #compared(): Promise<string | undefined> {
    const { isShortLived, broker } = this.options;
    const soon = isShortLived ? undefined : AbortSignal.timeout(answerMs);
    const comparing = this.#queues.compare(isShortLived ? undefined : passWaitMs);
    return untilAborted(comparing, soon).catch((error: unknown) => {
      const why = error === soon?.reason ? `${broker.label} does not answer` : textOf(error);
      return `these are the dead letters as they were last seen: ${why}`;
    });
  }

  /** Undefined where no case, or more than one, begins with that id. */
  async show(id: string): Promise<ShownCase | undefined> {
    const { mask, ledger } = this.options;
    const cases = () => casesOf(ledger, { ids: [id] }, mask);
    if (cases().length === 0) await this.#queues.compare();
    const [shown, ...others] = cases();
    if (shown === undefined || others.length > 0) return undefined;
    const letter = ledger.deadLetters.select({ ids: [shown.id] }).at(-1);
    let found: OpenedLetter | undefined;
    const visit = async (opened: OpenedLetter) => {
      if (opened.letter.id === letter?.id) found = opened;
      return false;
    };
    if (letter !== undefined)
      await this.#queues.pass(letter.queue, { visit, isOver: () => found !== undefined, windowSize: 20 });
    if (found === undefined) return { ...shown, history: [] };
    const { meta, body, delivery } = found;
    const { attempts, fetched } = found.letter;
    const text = body === undefined ? new TextDecoder().decode(delivery.body) : JSON.stringify(body, withoutNik, 2);
    // A NIK may have fewer digits than the mask looks for, or letters.
    const safe = (meta.code ?? "").length < 6 ? text : text.replaceAll(meta.code ?? "", "[nik]");
    const history = meta.history.map((one) => ({ ...one, text: mask(one.text) }));
    return { ...shown, attempts, fetched, history, body: mask(safe).slice(0, maxBodyCharacters) };
  }

  /** Back to its stage: confirmed there before it is deleted here. */
  replay(selected: Selection, signal?: AbortSignal): Promise<BatchResult> {
    const skip = (letter: DeadLetter) => this.#reasonToSkip(letter, selected);
    const act: Act = async (found) => {
      signal?.throwIfAborted();
      const { broker, ledger } = this.options;
      const messages = found.map(({ meta, delivery }) => ({
        body: delivery.body,
        headers: encodeHeaders({ ...meta, attempt: 0, dueAt: undefined }),
      }));
      // What fails again at once must not find the letter that it came from: the letter leaves its queue in a moment.
      // Before the publish: after it the stage may already have recorded its outcome.
      await this.#leave(found, "replayed");
      try {
        const queue = found[0]?.registered?.stage.queue ?? "";
        // During an alarm RabbitMQ confirms nothing, or takes the dead letters back.
        const ends = new Set([...found.map(({ delivery }) => delivery.revoked), ...(signal ? [signal] : [])]);
        await untilAborted(broker.publish(queue, messages), AbortSignal.any([...ends]));
      } catch (error) {
        for (const { letter } of found) ledger.deadLetters.add(letter);
        await ledger.record(...found.flatMap((one) => this.#entries(one, "dead")));
        throw error;
      }
    };
    return this.#handle(selected, signal, skip, act);
  }

  /** Deletes from the queues, and closes the cases of warnings, once a file has them. */
  async drop(selected: Selection, signal?: AbortSignal): Promise<DropResult> {
    const none = () => undefined;
    const { ledger, now } = this.options;
    using file = new DroppedFile(ledger.folder, now());
    const dropLetters: Act = async (found) => {
      file.add(...found.map(lineOf));
      await this.#leave(found, "dropped");
    };
    const dropWarnings = async (cases: readonly CaseView[]) => {
      for await (const some of inParts(cases)) {
        file.add(...some);
        const at = now().toISOString();
        ledger.write(() => {
          for (const { id } of some) ledger.cases.close(id, "dropped", at);
        });
      }
    };
    const result = await this.#handle(selected, signal, none, dropLetters, dropWarnings);
    return { ...result, ...(file.written !== undefined && { file: file.written }) };
  }

  /** Takes the bodies of cases that were closed long ago out of their queues. */
  async dropExpired(): Promise<void> {
    const { ledger, now } = this.options;
    const before = () => new Date(now().getTime() - keepClosedMs).toISOString();
    for (const queue of ledger.deadLetters.withExpired(before()))
      await this.#queues.pass(queue, {
        visit: async ({ letter }) => {
          // Asked of each: a case may be open again by now.
          if (!ledger.deadLetters.isExpired(letter, before())) return false;
          ledger.deadLetters.remove(letter);
          return true;
        },
      });
  }

  async #handle(
    selected: Selection,
    signal: AbortSignal | undefined,
    reasonToSkip: (letter: DeadLetter) => string | undefined,
    act: Act,
    actOnWarnings?: (cases: readonly CaseView[]) => Promise<void>,
  ): Promise<BatchResult> {
    const { ids, limit = Number.POSITIVE_INFINITY, rate = limit, dryRun = false } = selected;
    const { ledger, mask } = this.options;
    const done = { count: 0, gone: new Set<string>(), trouble: undefined as string | undefined };
    await this.#queues.compare().catch((error: unknown) => {
      done.trouble = textOf(error);
    });
    const found = await ledger.deadLetters.selectAll(selected);
    const warned = actOnWarnings ? await allCasesOf(ledger, { ...selected, kind: "warning" }, mask) : [];
    const open = warned.filter(({ letters, closed }) => letters === 0 && !closed);
    const { isMeant, unknown } = meantBy(ids, [...found, ...open]);
    const letters = found.filter(isMeant);
    const left = Map.groupBy(letters, reasonToSkip);
    const wanted = (left.get(undefined) ?? []).slice(0, limit);
    const warnings = open.filter(isMeant).slice(0, limit - wanted.length);
    left.delete(undefined);
    if (dryRun) done.count = wanted.length + warnings.length;
    else if (done.trouble === undefined)
      await this.#actOn(wanted, { rate, signal, act, done })
        .then(async () => {
          if (signal?.aborted || warnings.length === 0) return;
          await actOnWarnings?.(warnings);
          done.count += warnings.length;
        })
        .catch((error: unknown) => {
          done.trouble = textOf(error);
        });
    const texts = [...left].map(([reason = "", letters]) => {
      const kibs = letters.flatMap(({ kib }) => kib ?? []).join(",");
      return { count: letters.length, text: reason.replace(kibsHere, kibs && ` --kib ${shellWord(kibs)}`) };
    });
    const { count, gone, trouble } = done;
    const isGone = letters.filter(({ id }) => gone.has(id));
    unknown.push(...(ids ?? []).filter((id) => isGone.some(isOf(id))));
    return { count, left: texts, unknown: count < limit ? unknown : [], ...(trouble && { trouble }) };
  }

  /** At most `rate` a second; one that fails again meanwhile is not handled twice. */
  async #actOn(
    wanted: readonly DeadLetter[],
    {
      rate,
      signal,
      act,
      done,
    }: {
      rate: number;
      signal: AbortSignal | undefined;
      act: Act;
      done: { count: number; gone: Set<string> };
    },
  ): Promise<void> {
    let share = rate;
    for (const [queue, letters] of Map.groupBy(wanted, (letter) => letter.queue)) {
      const todo = new Set(letters.map(({ id }) => id));
      const isOver = () => todo.size === 0 || share === 0 || (signal?.aborted ?? false);
      const visit = async (found: OpenedLetter) => {
        if (!todo.delete(found.letter.id)) return false;
        share -= 1;
        return true;
      };
      const leave: Act = async (found) => {
        await act(found);
        done.count += found.length;
      };
      while (todo.size > 0 && !signal?.aborted) {
        if (share === 0) await sleep(1_000, undefined, signal && { signal }).catch(() => {});
        if (share === 0) share = rate;
        const windowSize = Math.min(maxTogether, rate);
        const isWhole = await this.#queues.pass(queue, { visit, leave, isOver, windowSize, signal });
        if (!isWhole || share === 0) continue;
        // Somebody else took the rest.
        for (const id of todo) done.gone.add(id);
        break;
      }
    }
  }

  /** Of letters that are out of their queue in a moment. */
  async #leave(found: readonly OpenedLetter[], outcome: "replayed" | "dropped"): Promise<void> {
    const { ledger, now } = this.options;
    const at = now().toISOString();
    const recorded = ledger.record(...found.flatMap((one) => this.#entries(one, outcome)));
    ledger.write(() => {
      for (const { letter } of found) {
        ledger.deadLetters.remove(letter);
        if (outcome === "dropped") ledger.cases.dropped(letter, at);
      }
    });
    await recorded;
  }

  /** Why not to replay it, and what to do instead. */
  #reasonToSkip(letter: DeadLetter, { stale = false }: Selection): string | undefined {
    const { ledger, registered: stages, now } = this.options;
    const registered = stages.find(({ stage }) => stage.queue === letter.queue);
    if (registered === undefined)
      return `stage ${letter.stage} of ${letter.queue} no longer exists: restore the stage, or drop them`;
    if (ledger.isCancelled(letter.run)) return `run ${letter.run} was cancelled: trigger its dates again, or drop them`;
    const ageMs = now().getTime() - Date.parse(letter.fetched ?? letter.first);
    if (registered.stage.name !== "create-person" || ageMs <= oldMs || stale) return undefined;
    const [run] = ledger.rows<{ dates: string }>("select dates from runs where id = ?", letter.run ?? "");
    const dates = run ? (JSON.parse(run.dates) as string[]) : [];
    const trigger = `hikvision-sync trigger --from ${dates[0] ?? "DATE"} --to ${dates.at(-1) ?? "DATE"}${kibsHere}`;
    return `their data is over a day old: fetch it again with  ${trigger}  and drop them, or replay them with --stale`;
  }

  #entries({ letter, meta, body }: OpenedLetter, outcome: TraceOutcome): Entry[] {
    const { run, attempt, fetchedAt, id, record, kind, inducted, repeat, repeats, code, kib } = meta;
    const { stage, code: why, text } = letter;
    const failure = outcome === "dead" ? { failure: { code: why, text } } : {};
    const base = { run, stage, outcome, at: this.options.now(), attempt, fetchedAt, ...failure };
    return entriesOf({ id, record, kind, inducted, repeat, repeats, code, kib, message: body }, base);
  }
}
