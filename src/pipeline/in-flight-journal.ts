import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { textOf } from "../errors.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";

/** The fourth time a message would be run, after the daemon died three times with it in hand, it is not. */
export const maxCrashes = 3;

const compactAtBytes = 1 << 20;
const maxRemembered = 10_000;

/** Names a message at a stage in a few safe characters. */
export const journalKey = (stage: string, id: string) =>
  new Bun.CryptoHasher("sha256").update(`${stage}\n${id}`).digest("base64url").slice(0, 22);

/**
 * Which messages a stage is running with, kept in the file `in-flight` so that the next start knows what was in hand when
 * the daemon died: a photo can kill a decoder, and its message would come back for ever. A journal of one short line
 * an event, because it is written twice a message; the page cache survives a dead process, and a power cut is no
 * message's fault. Its own failures are said once and stop nothing.
 */
export class InFlightJournal implements Disposable {
  readonly #path: string;
  readonly #crashes = new Map<string, number>();
  readonly #inFlight = new Map<string, Disposable | undefined>();
  readonly #quarantined = new KeyedMutex();
  #file: number | undefined;
  /** Lines that may wait for the next one: of what is settled nothing comes back. */
  #waiting = "";
  #bytes = 0;
  #failing = false;

  constructor(
    folder: string,
    readonly say: (text: string) => void,
  ) {
    this.#path = join(folder, "in-flight");
    const former = join(folder, "hands");
    // Its name in 0.1.
    this.#try(() => existsSync(former) && renameSync(former, this.#path));
    const left = this.#try(() => (existsSync(this.#path) ? readJournal(readFileSync(this.#path, "latin1")) : []));
    for (const [key, crashes] of [...(left ?? [])].slice(-maxRemembered)) this.#crashes.set(key, crashes);
    this.#rewrite();
  }

  /** At how many abrupt crashes this one was in hand. */
  crashesOf(key: string): number {
    return this.#crashes.get(key) ?? 0;
  }

  /**
   * Before the stage runs: once it resolves, an abrupt end counts. Those that were in hand at one are run one at a
   * time, or the next end could not tell which of them it was, and one bad message would take the others with it.
   */
  async begin(key: string, signal: AbortSignal): Promise<void> {
    const lock = this.#crashes.has(key) ? await this.#quarantined.acquire("", signal) : undefined;
    this.#inFlight.set(key, lock);
    this.#append(`+${key}`);
  }

  /** It is acknowledged, here or as a dead letter. */
  settle(key: string): void {
    const known = this.#crashes.delete(key);
    if (!this.#release(key) && !known) return;
    if (this.#waiting === "") setImmediate(() => this.#append(""));
    this.#waiting += `-${key}\n`;
  }

  /** It will be delivered again. */
  requeue(key: string): void {
    if (this.#release(key)) this.#append(`~${key}`);
  }

  /** A clean end: nothing is in hand. */
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
      if (!this.#failing) this.say(`${this.#path} cannot be used, crashes are not counted: ${textOf(error)}`);
      this.#failing = true;
      return undefined;
    }
  }
}

/** What is in flight at its end was in progress when the daemon died. Lines that were cut off are left out. */
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
  for (const key of inFlight) crashes.set(key, (crashes.get(key) ?? 0) + 1);
  return crashes;
}
