import { availableParallelism } from "node:os";
import { type Failure, retry, textOf } from "../../errors.ts";
import { untilAborted } from "../../util/abort.ts";
import { createSemaphore } from "../../util/semaphore.ts";
import { Decoder } from "./decoder.ts";
import { unusable } from "./formats/source.ts";

export interface DecoderPool extends Disposable {
  /**
   * A photo as a JPEG that HikCentral takes. Rejects with `photo_unusable`, also where the photo crashes the decoder or
   * takes it too long or too much memory; retries with `decoder_failed`; and ends with the reason of `signal`.
   */
  fit(photo: Uint8Array, signal: AbortSignal): Promise<Buffer>;
}

export interface DecoderPoolOptions {
  /** The most processes at a time (the number of cores). */
  size?: number;
  /** For one photo. */
  deadlineMs?: number;
  /** A process without work ends after so long. */
  idleMs?: number;
  /**
   * RAM of one process: 50 MB at its start, 80 to 150 with ordinary photos, 250 with the largest. n.b. No resource limit
   * of the system does this: the runtime reserves gigabytes at its start, and these are counted.
   */
  maxMemoryBytes?: number;
}

const startDeadlineMs = 10_000;
const lookEveryMs = 50;

/**
 * Photos are decoded in child processes: nothing but a signal ends a native decoder (a Worker that is terminated goes on
 * decoding), and its crash must not be the daemon's. A process starts when a photo needs it, and decodes many.
 */
export function createDecoderPool(options: DecoderPoolOptions = {}): DecoderPool {
  const { size = availableParallelism(), deadlineMs = 10_000, idleMs = 60_000, maxMemoryBytes = 400e6 } = options;
  const permit = createSemaphore(size);
  const idle = new Map<Decoder, NodeJS.Timeout>();
  const closed = new AbortController();

  function wake(decoder: Decoder): void {
    clearTimeout(idle.get(decoder));
    idle.delete(decoder);
  }

  function rest(decoder: Decoder): void {
    const end = () => {
      wake(decoder);
      decoder.kill();
    };
    idle.set(decoder, setTimeout(end, idleMs).unref());
  }

  /**
   * The process that worked last, so that unneeded ones become idle and end. A process without memory was killed, and its
   * end is not noticed yet.
   */
  function take(): Decoder {
    try {
      const decoder =
        [...idle.keys()].findLast(({ memoryBytes }) => memoryBytes > 0) ?? new Decoder(() => wake(decoder));
      wake(decoder);
      return decoder;
    } catch (error) {
      throw retry("decoder_failed", `the photo decoder cannot be started: ${textOf(error)}`, { cause: error });
    }
  }

  /** Waits for `work` of the process, and kills the process after `limitMs`, over its memory, or when a signal aborts. */
  async function within<T>(
    limitMs: number,
    work: Promise<T>,
    decoder: Decoder,
    late: () => Failure,
    signal: AbortSignal,
  ) {
    const limits = new AbortController();
    const deadline = setTimeout(() => limits.abort(late()), limitMs);
    const look = () => decoder.memoryBytes > maxMemoryBytes && limits.abort(tooMuch("memory"));
    const looking = setInterval(look, lookEveryMs);
    try {
      return await untilAborted(work, AbortSignal.any([signal, closed.signal, limits.signal]));
    } catch (error) {
      decoder.kill();
      throw error;
    } finally {
      clearTimeout(deadline);
      clearInterval(looking);
    }
  }

  return {
    async fit(photo, signal) {
      using _permit = await permit(AbortSignal.any([signal, closed.signal]));
      const decoder = take();
      await within(startDeadlineMs, decoder.started, decoder, notStarted, signal);
      const answer = await within(deadlineMs, decoder.fit(photo), decoder, () => tooMuch("time"), signal);
      rest(decoder);
      if (typeof answer === "string") throw unusable(answer);
      return answer;
    },
    [Symbol.dispose]() {
      closed.abort();
      for (const decoder of idle.keys()) decoder.kill();
    },
  };
}

const tooMuch = (what: "memory" | "time") =>
  unusable(`the photo takes too ${what === "time" ? "long" : "much memory"} to decode: upload another one in Eposh`);
const notStarted = () => retry("decoder_failed", "the photo decoder does not start in time");
