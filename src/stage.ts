/**
 * All that a stage needs: import it as `hikvision-sync`. A stage takes a message from its queue, calls an upstream,
 * and what it returns goes to the stages that name it in `after`.
 *
 * The words of this program, in code, logs and documents:
 * - employee: a record from Eposh; it has a KIB number (the site's) and a NIK (the national identity number)
 * - person: the HikCentral record made from an employee; `personCode` is the NIK, `personId` HikCentral's own number
 * - run: one induction, from its trigger to the last of its employees
 * - upstream: a foreign system that is called: Eposh, HikCentral, the photo host, or one that a stage names
 * - stage: consumes one queue; what it returns goes to its successors, the stages after it
 * - delivery: one hand-over of a message to a stage; an attempt is a delivery that counts
 * - retry: another attempt, later; the retry schedule is a list of growing delays, and each delay has a retry queue
 * - dead letter: a message that needs a human; it keeps its body, stage, run, attempts and failures
 * - replay: a dead letter is sent back to its stage
 * - requeue: a message goes back to its queue, and the attempt does not count
 * - pause: a stage takes no work, because its upstream is down (`outage`) or refuses our set-up (`setup`), because 20
 *   messages in a row failed alike (`streak`), or because an operator said so (`operator`)
 * - follow: a stage hands its message over to another one and goes on; the face of a person follows when its photo comes
 * - canary: the single message that is tried to find out whether a pause is over
 * - warning: the person is in HikCentral, but something is missing, e.g. the face
 * - trace: what happened to one employee, stage by stage
 * - ledger: the memory of runs, traces and warnings; no work depends on it
 * - comparison: Eposh against HikCentral, employee by employee
 */

import type { Site } from "./config/site.ts";
import type * as v from "./config/v.ts";
import type { FailureCode } from "./errors/codes.ts";
import type { HikCentral } from "./hikcentral/types.ts";
import type { PersonMemory, RecordMemory } from "./people/types.ts";
import type { Eposh } from "./upstreams/eposh.ts";
import type { Photos } from "./upstreams/photos.ts";

/** valibot, with `v.secret()` for an option that no output may show. */
export * as v from "./config/v.ts";
export type { FailureCode } from "./errors/codes.ts";
export { codeOf, isRefusal, isReject, isRetry, reject, retry, unavailable } from "./errors.ts";
export { refusalOf, replaceFace, verifyFace } from "./hikcentral/faces.ts";
export { replaceKib } from "./hikcentral/kibs.ts";
export type { HikCentral, NewPerson, PersonChanges } from "./hikcentral/types.ts";
export { assertNoRival, assertSameHuman, Claims, labelOf, recordWrong } from "./people/conflict.ts";
export * from "./people/differences.ts";
export * from "./people/kib.ts";
export * from "./people/names.ts";
export * from "./people/nik.ts";
export { mayOverwrite, reasonOf } from "./people/record-order.ts";
export * from "./people/remark.ts";
export * from "./people/same-person.ts";
export { isLater, takenAway } from "./people/taken-away.ts";
export type { Face, Person, PersonMemory, ShownPerson } from "./people/types.ts";
export * from "./people/validity.ts";
export { type EposhPage, eposhPage } from "./upstreams/eposh.ts";
export type { Photo } from "./upstreams/photos.ts";

/** What the headers say about the message. A foreign publisher sends none: then it is derived or unknown. */
export interface Meta {
  /** Identifies one employee in one run; the same at every stage. */
  readonly id: string;
  readonly run: string | undefined;
  readonly kib: string | undefined;
  /** The NIK. Never log it. */
  readonly code: string | undefined;
  /** When its run was asked for. */
  readonly startedAt: Date | undefined;
  /** When Eposh gave the data. */
  readonly fetchedAt: Date | undefined;
  /** The induction date of the record, YYYY-MM-DD, where it is known. */
  readonly inducted: string | undefined;
  /** How many other records of this NIK stand before this one in Eposh's list of that date. */
  readonly repeat: number;
  /** Of a page: `repeat` of its records that have one, by their position. */
  readonly repeats: ReadonlyMap<number, number>;
  /** Another human being whose record of this induction date has the same NIK: name and KIB number. */
  readonly rival: string | undefined;
  /** Of a page: `rival` of its records that have one, by their position. */
  readonly rivals: ReadonlyMap<number, string>;
  /** Counted attempts before this one: 0 the first time. */
  readonly attempt: number;
  readonly firstSeenAt: Date;
  /** Milliseconds since then. */
  readonly ageMs: number;
  /** Delivered, retried or replayed before: its data may be old. */
  readonly again: boolean;
  /** A newer record of this employee has already passed this stage. */
  readonly superseded: boolean;
  /** The operator asked for it: every photo is compared, also one whose link gave the present face. */
  readonly refreshFaces: boolean;
  /** Records that are as they were when they went through all stages end at the publisher. */
  readonly skipUnchanged: boolean;
  /** What the stage that handed the message over had noted (`context.follow`). */
  readonly noted: string | undefined;
}

export interface StageLog {
  debug(text: string): void;
  /** Printed once the result of the stage is confirmed, so that the log never says more than happened. */
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** For further lines about one person: as info while a single employee is in progress, as debug under load. */
  detail(text: string): void;
}

export interface Context<Options = unknown> {
  readonly hikcentral: HikCentral;
  readonly eposh: Eposh;
  readonly photo: Photos;
  readonly memory: PersonMemory;
  readonly records: RecordMemory;
  /** What is configured for the site as a whole. */
  readonly site: Site;
  /** `[stages.NAME]`, checked by the stage's own schema. */
  readonly options: Options;
  readonly meta: Meta;
  readonly log: StageLog;
  /** Aborts at the deadline of the stage and when the broker takes the message back. The clients above listen to it. */
  readonly signal: AbortSignal;
  /** True in `stages run --dry-run`: HTTP writes are held back already; other side effects the stage must leave out. */
  readonly dryRun: boolean;
  /** The person is in HikCentral, but something is missing: kept with the run and shown to the operator. */
  warn(code: FailureCode, text: string): void;
  /**
   * Hands the message itself, and not the result, to a stage that `follows` this one, before it is acknowledged: work
   * that no employee has to wait for. `note` is that stage's `meta.noted`; `lacks` is the code of what the person lacks
   * until then, whose case stays open.
   */
  follow(stage: string, handed?: { note?: string | undefined; lacks?: FailureCode }): void;
}

declare const ended: unique symbol;
/** What `end` returns. */
export interface End {
  readonly [ended]: true;
  readonly reason: string;
}
declare const several: unique symbol;
/** What `many` returns. */
export interface Many<Message> {
  readonly [several]: Message;
  readonly messages: Iterable<Message> | AsyncIterable<Message>;
}

declare const dated: unique symbol;
/** What `inductedOn` returns. */
export interface Dated<Message> {
  readonly [dated]: Message;
  readonly date: string | undefined;
  readonly message: unknown;
  readonly order: Partial<Pick<Meta, "repeat" | "repeats" | "rival" | "rivals">> & {
    readonly ends?: string | undefined;
  };
}

class EndResult {
  constructor(readonly reason: string) {}
}
class DatedResult {
  constructor(
    readonly date: string | undefined,
    readonly message: unknown,
    readonly order: Dated<unknown>["order"],
  ) {}
}
class ManyResult {
  constructor(readonly messages: Iterable<unknown> | AsyncIterable<unknown>) {}
}

/** Ends the message here, on purpose: nothing goes to the stages after. */
export const end = (reason: string): End => new EndResult(reason) as unknown as End;
/** Several messages to every stage after; they are published as they come, so an async generator keeps memory flat. */
export const many = <Message>(messages: Iterable<Message> | AsyncIterable<Message>): Many<Message> =>
  new ManyResult(messages) as unknown as Many<Message>;
/**
 * A message about those inducted on that date, YYYY-MM-DD: all that follows from it carries the date (`meta.inducted`).
 * `order` says which of several records of one NIK comes first there. With `ends` the message goes nowhere: its employee
 * is through, and that is why.
 */
export const inductedOn = <Message>(
  date: string | undefined,
  message: Message,
  order: Dated<Message>["order"] = {},
): Dated<Message> => new DatedResult(date, message, order) as unknown as Dated<Message>;
export const isDated = (value: unknown): value is Dated<unknown> => value instanceof DatedResult;
export const isEnd = (value: unknown): value is End => value instanceof EndResult;
export const isMany = (value: unknown): value is Many<unknown> => value instanceof ManyResult;

type Schema = v.GenericSchema;
type Parsed<S> = S extends Schema ? v.InferOutput<S> : Record<string, never>;

/**
 * What each outcome of `run` means:
 * - it **returns** a message: checked against every successor's `message`, published to each, confirmed, and only then
 *   is this one acknowledged. With successors, returning nothing is a reject; `end("reason")` ends on purpose.
 * - it throws **retry**, or anything that is not listed here: tried again on the retry schedule, counted, in the end a
 *   dead letter.
 * - it throws **reject**: a dead letter at once.
 * - it throws **unavailable(upstream)**: the stage pauses until that upstream is back; no attempt is spent.
 * It may be run twice with the same message (a crash, a lost answer) and must then leave the same state behind.
 */
export interface Stage<M extends Schema = Schema, O extends Schema | undefined = Schema | undefined> {
  /** As the file is named. */
  readonly name: string;
  readonly queue: string;
  /** The stage whose results this one takes. Without it the stage is fed from outside. */
  readonly after?: string;
  /** Instead of `after`: the stage that hands messages over to this one (`context.follow`). No run waits for it. */
  readonly follows?: string;
  /** Checked before `run` sees the message; one that does not match is a dead letter. */
  readonly message: M;
  readonly options?: O;
  /** Messages in progress at a time, unless `[stages.NAME] concurrency` says otherwise (32, or broker.prefetch). */
  readonly concurrency?: number;
  /**
   * How its messages call HikCentral, which decides how many are in progress where nothing else does. `single`: several
   * calls a message, so twice hikcentral.concurrency. `batched`: one call for many messages, so up to 100.
   */
  readonly calls?: "single" | "batched";
  /** How long one `run` may take, in milliseconds (10 minutes, at most 25). */
  readonly deadlineMs?: number;
  /** While stages.disabled names it, the stage does not exist: its queue is not even filled. */
  readonly optional?: boolean;
  /** Its queue belongs to this daemon alone: the daemon's name is added to it. */
  readonly local?: boolean;
  /** Its results are fresh data: they are stamped with the time of the fetch. */
  readonly fetches?: boolean;
  /** What the messages that it makes are about, where that is not what its own message is about. */
  readonly emits?: "page" | "person";
  run(message: v.InferOutput<M>, context: Context<Parsed<O>>): unknown;
}

/** The identity function that gives a stage its types. */
export const defineStage = <M extends Schema, O extends Schema | undefined = undefined>(stage: Stage<M, O>) => stage;
