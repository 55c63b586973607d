import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { textOf } from "../../errors.ts";
import type { Decision } from "../../people/types.ts";
import { writeAtomically } from "../../util/files/atomic-file.ts";

/** What an operator may say about a record and a person of HikCentral with one NIK. */
export const answers = ["same", "record-wrong", "person-wrong"] as const satisfies readonly Decision[];

const decision = v.object({ answer: v.picklist(answers), at: v.pipe(v.string(), v.isoTimestamp()) });
const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), decision));

/**
 * The operators' decisions, in a file of their own: losing the ledger loses none. Each is for exactly one NIK, name and KIB
 * at Eposh and one name in HikCentral, which the file holds as a keyed hash.
 */
export class Decisions {
  readonly #file: string;
  #all = new Map<string, v.InferOutput<typeof decision>>();

  constructor(folder: string, say: (text: string) => void) {
    this.#file = join(folder, "decisions.json");
    try {
      if (existsSync(this.#file))
        this.#all = new Map(Object.entries(v.parse(schema, readFileSync(this.#file, "utf8"))));
    } catch (error) {
      const aside = `${this.#file}.damaged-${Date.now()}`;
      renameSync(this.#file, aside);
      say(
        `decisions.json cannot be read (${textOf(error)}) and was moved to ${aside}: identity conflicts are asked again`,
      );
    }
  }

  /** `pair`: see pairOf in person-memory.ts. */
  of(pair: string): Decision | undefined {
    return this.#all.get(pair)?.answer;
  }

  /** Stored durably once this returns. */
  set(pair: string, answer: Decision, at: Date): void {
    const all = new Map(this.#all).set(pair, { answer, at: at.toISOString() });
    writeAtomically(this.#file, `${JSON.stringify(Object.fromEntries(all), undefined, 1)}\n`);
    this.#all = all;
  }
}
