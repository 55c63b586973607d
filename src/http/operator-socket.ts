import { lstatSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import { Exit, exits, textOf } from "../errors.ts";
import { rightsProblem } from "../util/files/rights.ts";
import { SameFile } from "../util/files/same-file.ts";
import { type Fetch, type Http, maxRequestBodySize } from "./listen.ts";

type Server = Pick<Bun.Server<undefined>, "stop">;

/**
 * Answers operators on the unix socket http.socket: whoever may write to it is one, and no token is asked for. Exit 78
 * where others could put a socket of their own in its place.
 */
export class OperatorSocket implements Disposable {
  #file: SameFile;

  private constructor(
    readonly path: string,
    readonly fetch: Fetch,
    /** Is told when the file was made anew. */
    readonly say: (text: string) => void,
    private server: Server,
  ) {
    this.#file = new SameFile(path);
  }

  static async open({ socket }: Http, fetch: Fetch, say: (text: string) => void): Promise<OperatorSocket> {
    return new OperatorSocket(socket, fetch, say, await bind(socket, fetch));
  }

  /** Whether operators find it. */
  isThere(): boolean {
    return this.#file.isThere();
  }

  /** Makes a file that was removed anew; what is in its place stays. Requests in progress are answered. */
  async restore(): Promise<void> {
    if (lstatSync(this.path, { throwIfNoEntry: false }) !== undefined) return;
    // n.b. It removes the file of that name, so it comes first.
    void this.server.stop();
    this.server = await bind(this.path, this.fetch);
    this.#file = new SameFile(this.path);
    this.say(`http.socket ${this.path} was removed and is made anew`);
  }

  [Symbol.dispose](): void {
    void this.server.stop(true);
  }
}

async function bind(socket: string, fetch: Fetch): Promise<Server> {
  const folder = dirname(socket);
  try {
    const problem = rightsProblem(folder);
    if (problem) throw new Exit(exits.config, `the folder of http.socket, ${folder}, ${problem}`);
    await removeLeftover(socket);
    // n.b. Otherwise the umask decides, and systemd's leaves out the operators' group.
    const umask = process.umask(0o117);
    try {
      const own = (request: Request) => fetch(request, { isOperator: true });
      // n.b. On a unix socket only this setting, which the types do not know, keeps a silent request alive.
      const options = { unix: socket, idleTimeout: 0, maxRequestBodySize, fetch: own };
      return Bun.serve(options as Pick<Bun.Serve.UnixServeOptions<undefined>, "unix"> & { fetch: typeof own });
    } finally {
      process.umask(umask);
    }
  } catch (error) {
    if (error instanceof Exit) throw error;
    throw new Exit(exits.unavailable, `http.socket ${socket} cannot be made: ${textOf(error)}`, { cause: error });
  }
}

/** A daemon that was killed leaves its socket, on which nobody can listen again. */
async function removeLeftover(socket: string): Promise<void> {
  const found = lstatSync(socket, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Exit(exits.config, `http.socket ${socket} is a file of another kind: remove it, or set another path`);
  const answered = await Bun.connect({ unix: socket, socket: { data() {} } }).catch(() => undefined);
  answered?.end();
  if (answered)
    throw new Exit(
      exits.unavailable,
      `http.socket ${socket} is in use by another process: stop it, or set another path`,
    );
  unlinkSync(socket);
}
