import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Reject, textOf } from "../errors.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";

/** After so many crashes a message is tried a last time, alone, once the daemon has run for a while. */
const maxCrashes = 3;
/** From here on such messages run one at a time; a single crash, e.g. a power cut, is no message's fault. */
const crashesToQuarantine = 2;
const compactAtBytes = 1 << 20;
const maxRemembered = 10_000;

/** A short key for a message at a stage, in safe characters. */
export const journalKey = (stage: string, id: string) =>
  new Bun.CryptoHasher("sha256").update(`${stage}\n${id}`).digest("base64url").slice(0, 22);

export interface InFlightJournalOptions {
  folder: string;
  say: (text: string) => void;
  /** A daemon that has run for so long is not being killed by something else. */
  calmAfterMs: number;
}

/**
 * The messages that stages are running now, in the file `in-flight`, so that the next start knows which were in progress
 * when the daemon crashed: a message that crashes the daemon would otherwise come back for ever. One short line for each
 * event, because it is written twice for each message; without fsync, because the page cache survives a dead process and
 * a power cut is no message's fault. Its own failures are logged once and stop nothing.
 */
export class InFlightJournal implements Disposable {
  readonly #path: string;
  readonly #say: (text: string) => void;
  readonly #calmAt: number;
  readonly #crashes = new Map<string, number>();
  readonly #inFlight = new Map<string, Disposable | undefined>();
  readonly #quarantined = new KeyedMutex();
  #file: number | undefined;
  /** Lines that may wait for the next one: settled messages do not come back. */
  #waiting = "";
  #bytes = 0;
  #failing = false;

  constructor({ folder, say, calmAfterMs }: InFlightJournalOptions) {
    this.#path = join(folder, "in-flight");
    this.#say = say;
    this.#calmAt = performance.now() + calmAfterMs;
    const former = join(folder, "hands");
    // The name of the file in 0.1.
    this.#try(() => existsSync(former) && renameSync(former, this.#path));
    const left = this.#try(() => (existsSync(this.#path) ? readJournal(readFileSync(this.#path, "latin1")) : []));
    for (const [key, crashes] of [...(left ?? [])].slice(-maxRemembered)) this.#crashes.set(key, crashes);
    this.#rewrite();
  }

  /**
   * Called before the stage runs: once it resolves, a crash counts. Messages that were in progress at more than one crash
   * are quarantined: they run one at a time for each stage, so that the next crash shows which one it was, and on their
   * last try one at a time in all stages. Rejects with `crashed_daemon` a message that crashed the daemon even then.
   */
  async begin(stage: string, key: string, signal: AbortSignal): Promise<void> {
    const crashes = this.#crashes.get(key) ?? 0;
    if (crashes > maxCrashes) {
      const text = `the daemon crashed ${crashes} times while ${stage} worked on this message, the last time on it alone; find out what in it crashes the daemon, then replay it`;
      throw new Reject("crashed_daemon", text);
    }
    const isLastTry = crashes === maxCrashes;
    const calmInMs = isLastTry ? this.#calmAt - performance.now() : 0;
    if (calmInMs > 0) await sleep(calmInMs, undefined, { signal });
    const isQuarantined = crashes >= crashesToQuarantine;
    const lock = isQuarantined ? await this.#quarantined.acquire(isLastTry ? "" : stage, signal) : undefined;
    this.#inFlight.set(key, lock);
    this.#append(`+${key}`);
  }

  /** Until disposed of, the message only waits for its turn, and a crash does not count. */
  waiting(key: string): Disposable {
    if (this.#inFlight.has(key)) this.#append(`~${key}`);
    return {
      [Symbol.dispose]: () => {
        if (this.#inFlight.has(key)) this.#append(`+${key}`);
      },
    };
  }

  /** The message is acknowledged: done, retried or a dead letter. */
  settle(key: string): void {
    const known = this.#crashes.delete(key);
    if (!this.#release(key) && !known) return;
    if (this.#waiting === "") setImmediate(() => this.#append(""));
    this.#waiting += `-${key}\n`;
  }

  /** The message will be delivered again. */
  requeue(key: string): void {
    if (this.#release(key)) this.#append(`~${key}`);
  }

  /** A clean end: no message is in progress. */
  [Symbol.dispose](): void {
    this.#inFlight.clear();
    this.#rewrite();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #release(key: string): boolean {
    const lock = this.#inFlight.get(key);
    lock?.[Symbol.dispose]();
    return this.#inFlight.delete(key);
  }

  #append(line: string): void {
    const lines = this.#waiting + (line && `${line}\n`);
    this.#waiting = "";
    this.#try(() => {
      if (this.#file === undefined || lines === "") return;
      this.#bytes += writeSync(this.#file, lines);
      if (this.#bytes > compactAtBytes) this.#rewrite();
    });
  }

  #rewrite(): void {
    this.#waiting = "";
    this.#try(() => {
      const known = [...this.#crashes].map(([key, crashes]) => `${crashes}${key}\n`);
      const inFlight = [...this.#inFlight.keys()].map((key) => `+${key}\n`);
      const text = [...known, ...inFlight].join("");
      writeFileSync(`${this.#path}.new`, text, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
      if (this.#file !== undefined) closeSync(this.#file);
      this.#file = openSync(this.#path, "a");
      this.#bytes = text.length;
    });
  }

  #try<T>(work: () => T): T | undefined {
    try {
      const done = work();
      this.#failing = false;
      return done;
    } catch (error) {
      if (!this.#failing) this.#say(`${this.#path} cannot be used; crashes are not counted: ${textOf(error)}`);
      this.#failing = true;
      return undefined;
    }
  }
}

/**
 * Messages in progress at the end of the file were in progress at the crash. Of these only the ones with the most earlier
 * crashes are blamed for one more: the others were merely in progress too. Truncated lines are ignored.
 */
function readJournal(text: string): Map<string, number> {
  const crashes = new Map<string, number>();
  const inFlight = new Set<string>();
  for (const line of text.split("\n")) {
    const [, mark = "", key = ""] = /^([-+~]|\d+?)([\w-]{22})$/.exec(line) ?? [];
    if (mark === "+") inFlight.add(key);
    else inFlight.delete(key);
    if (mark === "-") crashes.delete(key);
    else if (/\d/.test(mark)) crashes.set(key, Number(mark));
  }
  const crashesOf = (key: string) => crashes.get(key) ?? 0;
  const most = Math.max(0, ...[...inFlight].map(crashesOf));
  for (const key of inFlight) if (crashesOf(key) === most) crashes.set(key, most + 1);
  return crashes;
}
