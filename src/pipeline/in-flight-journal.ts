import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { textOf } from "../errors.ts";
import { Turns } from "../util/keyed-mutex.ts";

/** The fourth time a message would be run, after the daemon died three times with it in hand, it is not. */
export const endsToGiveUp = 3;

const compactAtBytes = 1 << 20;
const maxRemembered = 10_000;

/** Names a message at a stage in a few safe characters. */
export const handKey = (stage: string, id: string) =>
  new Bun.CryptoHasher("sha256").update(`${stage}\n${id}`).digest("base64url").slice(0, 22);

/**
 * Which messages a stage is running with, kept in the file `hands` so that the next start knows what was in hand when
 * the daemon died: a photo can kill a decoder, and its message would come back for ever. A journal of one short line
 * an event, because it is written twice a message; the page cache survives a dead process, and a power cut is no
 * message's fault. Its own failures are said once and stop nothing.
 */
export class Hands implements Disposable {
  readonly #path: string;
  readonly #ends = new Map<string, number>();
  readonly #held = new Map<string, Disposable | undefined>();
  readonly #suspects = new Turns();
  #file: number | undefined;
  /** Lines that may wait for the next one: of what is settled nothing comes back. */
  #waiting = "";
  #bytes = 0;
  #failing = false;

  constructor(
    folder: string,
    readonly say: (text: string) => void,
  ) {
    this.#path = join(folder, "hands");
    const left = this.#try(() => (existsSync(this.#path) ? readJournal(readFileSync(this.#path, "latin1")) : []));
    for (const [key, ends] of [...(left ?? [])].slice(-maxRemembered)) this.#ends.set(key, ends);
    this.#rewrite();
  }

  /** At how many abrupt ends this one was in hand. */
  endsOf(key: string): number {
    return this.#ends.get(key) ?? 0;
  }

  /**
   * Before the stage runs: once it resolves, an abrupt end counts. Those that were in hand at one are run one at a
   * time, or the next end could not tell which of them it was, and one bad message would take the others with it.
   */
  async take(key: string, signal: AbortSignal): Promise<void> {
    const turn = this.#ends.has(key) ? await this.#suspects.take("", signal) : undefined;
    this.#held.set(key, turn);
    this.#append(`+${key}`);
  }

  /** It is acknowledged, here or as a dead letter. */
  settle(key: string): void {
    const known = this.#ends.delete(key);
    if (!this.#release(key) && !known) return;
    if (this.#waiting === "") setImmediate(() => this.#append(""));
    this.#waiting += `-${key}\n`;
  }

  /** It will be delivered again. */
  goBack(key: string): void {
    if (this.#release(key)) this.#append(`~${key}`);
  }

  /** A clean end: nothing is in hand. */
  [Symbol.dispose](): void {
    this.#held.clear();
    this.#rewrite();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #release(key: string): boolean {
    const turn = this.#held.get(key);
    turn?.[Symbol.dispose]();
    return this.#held.delete(key);
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
      const known = [...this.#ends].map(([key, ends]) => `${ends}${key}\n`);
      const held = [...this.#held.keys()].map((key) => `+${key}\n`);
      const text = [...known, ...held].join("");
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
      if (!this.#failing) this.say(`${this.#path} cannot be used, abrupt ends are not counted: ${textOf(error)}`);
      this.#failing = true;
      return undefined;
    }
  }
}

/** What is held at its end was in hand when the daemon died. Lines that were cut off are left out. */
function readJournal(text: string): Map<string, number> {
  const ends = new Map<string, number>();
  const held = new Set<string>();
  for (const line of text.split("\n")) {
    const [, mark = "", key = ""] = /^([-+~]|\d+?)([\w-]{22})$/.exec(line) ?? [];
    if (mark === "+") held.add(key);
    else held.delete(key);
    if (mark === "-") ends.delete(key);
    else if (/\d/.test(mark)) ends.set(key, Number(mark));
  }
  for (const key of held) ends.set(key, (ends.get(key) ?? 0) + 1);
  return ends;
}
