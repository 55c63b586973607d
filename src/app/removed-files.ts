import { SameFile } from "../util/files/same-file.ts";

const everyMs = 5_000;

/** Watches that the files which this daemon has open are still the ones that the next start will find. */
export class RemovedFiles implements Disposable {
  readonly #files: readonly SameFile[];
  readonly #timer: ReturnType<typeof setInterval>;
  #last = "";

  constructor(paths: readonly string[], say: (text: string) => void) {
    this.#files = paths.map((path) => new SameFile(path));
    this.#timer = setInterval(() => {
      const found = this.paths.join(", ");
      if (found !== this.#last && found !== "")
        say(`${found}: removed or replaced while the daemon runs; put it back, or restart the daemon`);
      this.#last = found;
    }, everyMs);
  }

  get paths(): string[] {
    return this.#files.flatMap((file) => (file.isThere() ? [] : [file.path]));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
