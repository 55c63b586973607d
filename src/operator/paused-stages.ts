import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { Exit, exits, textOf } from "../errors.ts";
import { writeAtomically } from "../util/files/atomic-file.ts";

const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.pipe(v.string(), v.isoTimestamp())));

/** The stages that an operator paused, and since when; kept in the state folder across restarts. */
export class PausedStages {
  readonly #file: string;
  #since: ReadonlyMap<string, string>;

  /** Exit 69 if the file cannot be read: a forgotten pause would let a stage work against an operator's order. */
  constructor(folder: string) {
    this.#file = join(folder, "paused.json");
    try {
      const text = existsSync(this.#file) ? readFileSync(this.#file, "utf8") : "{}";
      this.#since = new Map(Object.entries(v.parse(schema, text)));
    } catch (error) {
      const next = "fix it, or remove it and pause the stages again";
      throw new Exit(exits.unavailable, `${this.#file} cannot be read: ${next}`, { cause: textOf(error) });
    }
  }

  /** Stage → since when. */
  get all(): ReadonlyMap<string, string> {
    return this.#since;
  }

  /** Stored durably once this returns; if it throws, e.g. on a full disk, nothing has changed. */
  set(stage: string, since: string): void {
    if (!this.#since.has(stage)) this.#write(new Map(this.#since).set(stage, since));
  }

  delete(stage: string): void {
    this.#write(new Map([...this.#since].filter(([name]) => name !== stage)));
  }

  #write(all: ReadonlyMap<string, string>): void {
    writeAtomically(this.#file, `${JSON.stringify(Object.fromEntries(all))}\n`);
    this.#since = all;
  }
}
