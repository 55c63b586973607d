import { readFileSync } from "node:fs";
import { retry } from "../../errors.ts";
import { ownProgram } from "../../util/own-program.ts";
import { unusable } from "./formats/source.ts";
import { answers, frame, frames } from "./frames.ts";

/** The hidden command of main.ts that makes a process a decoder. */
export const decoderWord = "decode-photos";
const commandVariable = "HIKVISION_SYNC_DECODER";

/** For a process that runs parts of this program under another name, e.g. the test of a stage. */
export const decoderEnvironment = () => ({ [commandVariable]: JSON.stringify(decoderCommand()) });

function decoderCommand(): string[] {
  const given = process.env[commandVariable];
  if (given) return JSON.parse(given);
  return ownProgram(decoderWord);
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
      // It gets no secret and no option of the runtime, and keeps no folder busy.
      env: {},
      cwd: "/",
      // In a list of processes it has the name of the program.
      argv0: "hikvision-sync",
      stdio: ["pipe", "pipe", "ignore"],
      onExit: ended,
    });
    this.#process.unref();
    this.#answers = frames(this.#process.stdout);
    this.started = this.#start();
  }

  /** The face as JPEG, or a text why there is none. Rejects with `photo_unusable` if the photo crashes the process. */
  async fit(photo: Uint8Array): Promise<Buffer | string> {
    await this.#send(photo);
    const answer = await this.#next();
    if (!answer) throw unusable(`the photo crashes its decoder (${await this.#end()}): upload another one in Eposh`);
    const content = answer.subarray(1);
    return answer[0] === answers.face[0] ? content : content.toString();
  }

  /** In RAM; 0 once it has ended. */
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
      // The process has just ended: the missing answer shows it.
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
