import { statSync } from "node:fs";

const identityOf = (path: string): string | undefined => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}/${found.ino}`;
};

/** A path, and the file that it named when this was made. */
export class SameFile {
  readonly #identity: string | undefined;

  constructor(readonly path: string) {
    this.#identity = identityOf(path);
  }

  /** Whether the path still names that file. A file that was not there then is not missed. */
  isThere(): boolean {
    return this.#identity === undefined || identityOf(this.path) === this.#identity;
  }
}
