import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { OpenedLetter } from "../pipeline/retry/dead-letter-queues.ts";

/** The line of a dead letter, with its message. */
export function lineOf({ letter: { queue, stage, code }, delivery, body }: OpenedLetter): object {
  const bytes = Buffer.from(delivery.body);
  // n.b. What is no JSON may be no text either.
  const kept = body === undefined ? { base64: bytes.toString("base64") } : { body: bytes.toString() };
  return { queue, stage, code, headers: delivery.headers, ...kept };
}

/** Where dropped cases are kept, one JSON a line, for their owner only: whoever is sure removes the file. */
export class DroppedFile implements Disposable {
  readonly path: string;
  #file: number | undefined;

  constructor(folder: string, at: Date) {
    this.path = join(folder, `dropped-${at.toISOString().replaceAll(":", "-")}.jsonl`);
  }

  /** Undefined where nothing was dropped. */
  get written(): string | undefined {
    return this.#file === undefined ? undefined : this.path;
  }

  /** Stored durably once this returns. */
  add(...lines: readonly object[]): void {
    this.#file ??= openSync(this.path, "a", 0o600);
    writeSync(this.#file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    fsyncSync(this.#file);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}
