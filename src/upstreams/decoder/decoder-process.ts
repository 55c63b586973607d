import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { isReject } from "../../errors.ts";
import { fit } from "./face-jpeg.ts";
import { answers, frame, frames } from "./frames.ts";

/**
 * The work of a decoder process: it reads photos from stdin and answers each one on stdout, with a face or with the
 * reason for none. It ends when stdin is closed, also in the middle of a photo, so that a killed daemon leaves none.
 */
export async function decodePhotos(): Promise<never> {
  // systemd and a terminal tell all processes to stop: the daemon finishes the photos in progress, and ends this one.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => {});
  giveWay();
  await Bun.write(Bun.stdout, frame(answers.ready));
  for await (const photo of frames(Bun.stdin.stream())) void answer(photo);
  // n.b. Nothing else ends a native decoder.
  process.kill(process.pid, "SIGKILL");
  return await new Promise<never>(() => {});
}

async function answer(photo: Buffer): Promise<void> {
  const text = await fit(photo).then(
    (face) => frame(answers.face, face),
    (error) => {
      if (!isReject(error)) throw error;
      return frame(answers.unusable, Buffer.from(error.message));
    },
  );
  await Bun.write(Bun.stdout, text);
}

/**
 * On busy processors the daemon gets twice as much as a decoder. n.b. With 10 it gets nine times as much: then photos are
 * late where HikCentral answers in 5 ms, permits lie idle, and calls for many people become calls for one.
 */
const niceness = 3;

/** The daemon goes first: on a busy machine its answers do not wait for decoders, and the kernel ends these before it. */
function giveWay(): void {
  // n.b. Threads that exist keep theirs; the ones that decode are started later.
  for (const give of [() => setPriority(niceness), () => writeFileSync("/proc/self/oom_score_adj", "1000")])
    try {
      give();
    } catch {
      // Without /proc, or where it is not allowed, the kernel decides.
    }
}
