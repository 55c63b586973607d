import { SameFile } from "../util/files/same-file.ts";
import { lookEvery } from "../util/turns/ticks.ts";

const everyMs = 5_000;

export interface WatchedFile {
  readonly path: string;
  isThere(): boolean;
  /** Makes it anew, where nothing is lost with it. Throws where that is impossible. */
  restore?(): Promise<void>;
}

/** Watches that the files which this daemon has open are still the ones that the next start will find. */
export class RemovedFiles implements Disposable {
  readonly #files: WatchedFile[];
  readonly #looking: Disposable;
  #last = "";

  constructor(
    paths: readonly string[],
    readonly say: (text: string) => void,
  ) {
    this.#files = paths.map((path) => new SameFile(path));
    this.#looking = lookEvery(everyMs, () => this.#look());
  }

  watch(file: WatchedFile): void {
    this.#files.push(file);
  }

  get paths(): string[] {
    return this.#files.flatMap((file) => (file.isThere() ? [] : [file.path]));
  }

  async #look(): Promise<void> {
    // What cannot be made anew is said.
    for (const file of this.#files) if (!file.isThere()) await file.restore?.().catch(() => {});
    const found = this.paths.join(", ");
    if (found !== this.#last && found !== "")
      this.say(`${found}: removed or replaced while the daemon runs; put it back, or restart the daemon`);
    this.#last = found;
  }

  [Symbol.dispose](): void {
    this.#looking[Symbol.dispose]();
  }
}
