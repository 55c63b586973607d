import { readFileSync } from "node:fs";
import { join } from "node:path";
import { retry } from "../../errors.ts";
import { answers, frame, frames } from "./frames.ts";
import { unusable } from "./source.ts";

/** The hidden command of main.ts that makes a process a decoder. */
export const decoderWord = "decode-photos";
const commandVariable = "HIKVISION_SYNC_DECODER";

/** For a process that runs parts of this program and does not know what starts it, as a stage's test does. */
export const decoderEnvironment = () => ({ [commandVariable]: JSON.stringify(decoderCommand()) });

function decoderCommand(): string[] {
  const given = process.env[commandVariable];
  if (given) return JSON.parse(given);
  const isCompiled = import.meta.dir.startsWith("/$bunfs/");
  // n.b. The link leads to this very binary, also after an upgrade has replaced it.
  const program = isCompiled ? ["/proc/self/exe"] : [process.execPath, join(import.meta.dir, "../../main.ts")];
  return [...program, decoderWord];
}

/** A child process of this program that decodes photos, one at a time. It does not keep this process alive. */
export class Decoder {
  readonly #process;
  readonly #answers;
  /** Rejects with `decoder_failed`. */
  readonly started: Promise<void>;

  /** `ended` is called once, however the process ends. Throws where it cannot be started. */
  constructor(ended: () => void) {
    this.#process = Bun.spawn(decoderCommand(), {
      // No secret, no option of the runtime, and no folder that it would keep busy.
      env: {},
      cwd: "/",
      // In a list of processes it goes by the program's name.
      argv0: "hikvision-sync",
      stdio: ["pipe", "pipe", "ignore"],
      onExit: ended,
    });
    this.#process.unref();
    this.#answers = frames(this.#process.stdout);
    this.started = this.#start();
  }

  /** The face as JPEG, or in words why there is none. Rejects with `photo_unusable` where the photo crashes the process. */
  async fit(photo: Uint8Array): Promise<Buffer | string> {
    await this.#send(photo);
    const answer = await this.#next();
    if (!answer) throw unusable(`the photo crashes its decoder (${await this.#end()}): upload another one in Eposh`);
    const content = answer.subarray(1);
    return answer[0] === answers.face[0] ? content : content.toString();
  }

  /** In RAM; 0 where the system does not say. */
  get memoryBytes(): number {
    try {
      const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#process.pid}/status`, "utf8")) ?? [];
      return Number(kilobytes ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  async #start(): Promise<void> {
    if (!(await this.#next())) throw retry("decoder_failed", `the photo decoder did not start (${await this.#end()})`);
  }

  async #send(photo: Uint8Array): Promise<void> {
    try {
      this.#process.stdin.write(frame(photo));
      await this.#process.stdin.flush();
    } catch {
      // The process has just ended: the answer that it does not give says so.
    }
  }

  async #next(): Promise<Buffer | undefined> {
    return (await this.#answers.next()).value;
  }

  async #end(): Promise<string> {
    const exit = await this.#process.exited;
    return `${this.#process.signalCode ?? `exit ${exit}`}`;
  }
}
