import type { FailureCode } from "./errors/codes.ts";

/**
 * The few errors of this program. Each one is a decision about the message in progress: the code that throws decides,
 * and the pipeline obeys. `code` is stable and one of `errors/codes.ts`; the text names the thing and the next step.
 */
export abstract class Failure extends Error {
  abstract readonly kind: "retry" | "reject" | "unavailable";

  constructor(
    readonly code: FailureCode,
    text: string,
    options?: { cause?: unknown },
  ) {
    super(text, options);
  }
}

/** What became of one delivery. `requeued`: it will be delivered again, and no attempt was counted. */
export type Outcome = "done" | "ended" | "retry" | "dead" | "requeued";

export interface RetryOptions {
  cause?: unknown;
  /** What the upstream asked for, e.g. by Retry-After. Capped at the longest delay of the retry schedule. */
  afterMs?: number | undefined;
  /** The upstream that may be down: it is probed at once, and if the probe fails too, no attempt is counted. */
  suspect?: string | undefined;
  /** After the last delay it is tried again with the same delay: the stage decides itself when to give up. */
  repeats?: boolean | undefined;
  /** What the person lacks meanwhile: an open case once the message has failed twice, unless its stage is paused. */
  lacks?: { readonly code: FailureCode; readonly text: string } | undefined;
}

/** Later, counted. After the last delay of the retry schedule it becomes a dead letter. */
export class Retry extends Failure {
  readonly kind = "retry";
  readonly afterMs: number | undefined;
  readonly suspect: string | undefined;
  readonly repeats: boolean;
  readonly lacks: RetryOptions["lacks"];

  constructor(code: FailureCode, text: string, options: RetryOptions = {}) {
    super(code, text, options);
    this.afterMs = options.afterMs;
    this.suspect = options.suspect;
    this.repeats = options.repeats ?? false;
    this.lacks = options.lacks;
  }
}

/** A dead letter at once: this message will never work as it is. */
export class Reject extends Failure {
  readonly kind = "reject";
}

export interface UnavailableOptions {
  cause?: unknown;
  /** Unless given, `<upstream>_unavailable`. */
  code?: FailureCode;
  /** "outage": the upstream is down. "setup": it rejects our key, permission, licence or path. */
  reason?: "outage" | "setup";
  /** The upstream may mean this one message: the stage pauses only where no other message passes. */
  mayBeOne?: boolean;
}

/** Pause, and spend no attempt on it. */
export class Unavailable extends Failure {
  readonly kind = "unavailable";
  readonly reason: "outage" | "setup";
  readonly mayBeOne: boolean;

  constructor(
    readonly upstream: string,
    text: string,
    options: UnavailableOptions = {},
  ) {
    super(options.code ?? (`${upstream}_unavailable` as FailureCode), text, options);
    this.reason = options.reason ?? "outage";
    this.mayBeOne = options.mayBeOne ?? false;
  }
}

export const retry = (code: FailureCode, text: string, options?: RetryOptions) => new Retry(code, text, options);
export const reject = (code: FailureCode, text: string, options?: { cause?: unknown }) =>
  new Reject(code, text, options);
export const unavailable = (upstream: string, text = `${upstream} does not answer`, options?: UnavailableOptions) =>
  new Unavailable(upstream, text, options);

/** The code of one of the three failures, for a stage that knows what to do about it. */
export const codeOf = (thrown: unknown): FailureCode | undefined =>
  thrown instanceof Failure ? thrown.code : undefined;

export const isReject = (thrown: unknown): thrown is Reject => thrown instanceof Reject;
export const isRetry = (thrown: unknown): thrown is Retry => thrown instanceof Retry;

/** Whether the upstream answered with a refusal, of this message or of our set-up. */
export const isRefusal = (thrown: unknown): boolean =>
  isReject(thrown) || (thrown instanceof Unavailable && thrown.reason === "setup");

/** The exit codes (sysexits.h). */
export const exits = { ok: 0, failed: 1, usage: 64, unavailable: 69, config: 78 } as const;

/** An error that ends the command with `exit`; its text is all that is shown. */
export class Exit extends Error {
  constructor(
    readonly exit: (typeof exits)[keyof typeof exits],
    text: string,
    options?: { cause?: unknown },
  ) {
    super(text, options);
  }
}

/** A text for anything that can be thrown: also undefined, a string, or an object that throws when read. */
export function textOf(thrown: unknown): string {
  try {
    if (thrown instanceof AggregateError && thrown.errors.length > 0)
      return [thrown.message, ...thrown.errors.map(textOf)].filter(Boolean).join("; ");
    if (thrown instanceof Error) return String(thrown.message || thrown.name);
  } catch {
    return "something that cannot be read was thrown";
  }
  if (typeof thrown === "string" && thrown !== "") return thrown;
  return `something that is not an error was thrown (${thrown === null ? "null" : typeof thrown})`;
}
