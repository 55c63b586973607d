import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Reject, Retry } from "../src/errors.ts";
import { createDecoderPool, type DecoderPoolOptions } from "../src/upstreams/decoder/decoder-pool.ts";
import { frame } from "../src/upstreams/decoder/frames.ts";
import { bombs } from "./support/bombs.ts";
import { pngWith } from "./support/exif.ts";
import { makeJpeg, repeatLastScan } from "./support/jpeg.ts";
import { makePng, pngChunk } from "./support/png.ts";
import { decodersOf, fileOf, isRunning } from "./support/processes.ts";
import { until } from "./support/until.ts";

const pools: Disposable[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) pool[Symbol.dispose]();
  await until(() => decodersOf().length === 0, { what: "the decoders to end with their pool" });
});
const open = (options?: DecoderPoolOptions) => {
  const pool = createDecoderPool(options);
  pools.push(pool);
  return pool;
};

const never = new AbortController().signal;
const photo = makePng({ width: 160, height: 120, rgba: (x, y) => [x, y, 99, 255] });
const block = (x: number, y: number) => [(x ^ y) & 255, 128, 128];
/** As many pixels and scans as are let through: a second or more of nothing but native code. */
const slow = repeatLastScan(makeJpeg({ width: 3160, height: 3160, block, progressive: true }), 90);

const failureOf = async (work: Promise<unknown>) => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Reject || error instanceof Retry ? `${error.code}: ${error.message}` : error;
};
const isFace = (face: Buffer) => face.toString("hex", 0, 3) === "ffd8ff";
const only = () => until(() => decodersOf()[0], { what: "the decoder to start" });

/** How much processor time a process has used, in hundredths of a second. */
const ticksOf = (pid: number) => Number(fileOf(pid, "stat").split(" ")[13]);

describe("decoder processes", () => {
  test("start when a photo needs one, are used again, and end when there is no more work", async () => {
    const pool = open({ idleMs: 300 });
    expect(decodersOf()).toEqual([]);
    expect(isFace(await pool.fit(photo, never))).toBe(true);
    const first = decodersOf();
    expect(first).toHaveLength(1);
    expect(isFace(await pool.fit(photo, never))).toBe(true);
    expect(decodersOf()).toEqual(first);
    await until(() => decodersOf().length === 0, { what: "the idle decoder to end" });
    expect(isFace(await pool.fit(photo, never))).toBe(true);
  });

  test("are never more than they may be, and each photo gets its own face", async () => {
    const pool = open({ size: 2 });
    const widths = [120, 130, 140, 150, 160, 170, 180];
    let most = 0;
    const faces = await Promise.all(
      widths.map(async (width) => {
        const face = await pool.fit(makePng({ width, height: 120, rgba: () => [width, 0, 0, 255] }), never);
        most = Math.max(most, decodersOf().length);
        return face;
      }),
    );
    expect(await Promise.all(faces.map(async (face) => (await new Bun.Image(face).metadata()).width))).toEqual(widths);
    expect(most).toBe(2);
  });

  test("know no secret, keep no folder busy, give way to the daemon, and are the first to go when memory is short", async () => {
    await open().fit(photo, never);
    const pid = await only();
    expect(fileOf(pid, "environ")).toBe("");
    expect(fileOf(pid, "oom_score_adj")).toBe("1000\n");
    expect(fileOf(pid, "stat").split(" ")[18]).toBe("3");
  });

  test("finish the photo in progress when everything is told to stop, as by systemd or Ctrl-C", async () => {
    const pool = open();
    await pool.fit(photo, never);
    const pid = await only();
    const inProgress = pool.fit(slow, never);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(pid, signal);
    expect(isFace(await inProgress)).toBe(true);
    expect(decodersOf()).toEqual([pid]);
  });

  test("do not keep the program from ending, and end with it", async () => {
    const script = `
      import { createDecoderPool } from ${JSON.stringify(join(import.meta.dir, "../src/upstreams/decoder/decoder-pool.ts"))};
      const photo = Buffer.from(${JSON.stringify(photo.toString("base64"))}, "base64");
      await createDecoderPool().fit(photo, new AbortController().signal);
      console.log(await Bun.stdin.text());`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
    const pids = await until(() => decodersOf(child.pid).length > 0 && decodersOf(child.pid), { what: "a decoder" });
    child.stdin.write("done");
    await child.stdin.end();
    expect([await child.stdout.text(), await child.exited]).toEqual(["done\n", 0]);
    await until(() => !pids.some(isRunning), { what: "the decoders to end" });
  });

  test("end in the middle of their work when their pipe is closed, as by the end of the program", async () => {
    const main = join(import.meta.dir, "../src/main.ts");
    const decoder = Bun.spawn([process.execPath, main, "decode-photos"], { stdin: "pipe", stdout: "ignore" });
    // Work for half a minute.
    for (let photos = 0; photos < 30; photos++) decoder.stdin.write(frame(slow));
    await until(() => ticksOf(decoder.pid) > 20, { what: "the decoder to work" });
    const from = performance.now();
    await decoder.stdin.end();
    await decoder.exited;
    expect(performance.now() - from).toBeLessThan(5000);
  });
});

describe("the photo alone is refused, and the next one is decoded,", () => {
  test("where it takes too long", async () => {
    const pool = open({ size: 1, deadlineMs: 50 });
    const pending = failureOf(pool.fit(slow, never));
    const pid = await only();
    expect(await pending).toMatch(/^photo_unusable: the photo takes too long to decode/);
    await until(() => !isRunning(pid), { what: "its decoder to be killed" });
    expect(isFace(await open().fit(photo, never))).toBe(true);
  });

  test("where it takes too much memory", async () => {
    const pool = open({ size: 1, maxMemoryBytes: 1e6 });
    expect(await failureOf(pool.fit(slow, never))).toMatch(/^photo_unusable: the photo takes too much memory/);
    expect(isFace(await open().fit(photo, never))).toBe(true);
  });

  test("where its decoder dies of it", async () => {
    const pool = open({ size: 1 });
    await pool.fit(photo, never);
    const pid = await only();
    const idle = ticksOf(pid);
    const pending = failureOf(pool.fit(slow, never));
    await until(() => ticksOf(pid) > idle + 10, { everyMs: 10, what: "the decoder to work" });
    process.kill(pid, "SIGSEGV");
    expect(await pending).toMatch(/^photo_unusable: the photo crashes its decoder \(SIG[A-Z]+\)/);
    expect(isFace(await pool.fit(photo, never))).toBe(true);
    expect(await only()).not.toBe(pid);
  });

  test("where it has no picture, and its decoder stays", async () => {
    const pool = open({ size: 1 });
    await pool.fit(photo, never);
    const pid = await only();
    expect(await failureOf(pool.fit(Buffer.from("a page"), never))).toBe(
      "photo_unusable: the photo is not a PNG, JPEG or WebP",
    );
    const bomb = bombs()[0] ?? Buffer.of();
    expect(await failureOf(pool.fit(bomb, never))).toMatch(/too long to decode \(90\d scans\)/);
    expect(isFace(await pool.fit(photo, never))).toBe(true);
    expect(decodersOf()).toEqual([pid]);
  });
});

test("a decoder that died between two photos costs none of them", async () => {
  const pool = open({ size: 1 });
  await pool.fit(photo, never);
  const pid = await only();
  process.kill(pid, "SIGKILL");
  await until(() => !isRunning(pid), { what: "it to die" });
  expect(isFace(await pool.fit(photo, never))).toBe(true);
});

test("an aborted photo ends at once, in the middle or while it waits, and the next one is decoded", async () => {
  const pool = open({ size: 1 });
  await pool.fit(photo, never);
  const pid = await only();
  const stop = new AbortController();
  const both = [failureOf(pool.fit(slow, stop.signal)), failureOf(pool.fit(photo, stop.signal))];
  const reason = new Error("the daemon stops");
  stop.abort(reason);
  expect(await Promise.all(both)).toEqual([reason, reason]);
  await until(() => !isRunning(pid), { what: "its decoder to be killed" });
  expect(isFace(await pool.fit(photo, never))).toBe(true);
});

test("a photo of 10 MB reaches its decoder whole", async () => {
  const large = pngWith(photo, pngChunk("tEXt", Buffer.alloc(10e6, "x")));
  expect((await open().fit(large, never)).equals(await open().fit(photo, never))).toBe(true);
});

test.each([
  ["ends at once", ["/bin/false"]],
  ["is not there", ["/nonexistent/hikvision-sync"]],
])("a decoder that %s is no fault of the photo's: that is retried", async (_, command) => {
  process.env.HIKVISION_SYNC_DECODER = JSON.stringify(command);
  try {
    expect(await failureOf(open().fit(photo, never))).toMatch(
      /^decoder_failed: the photo decoder (did not|cannot be) start/,
    );
  } finally {
    delete process.env.HIKVISION_SYNC_DECODER;
  }
});

test("20 bombs among 60 photos: the photos are done, the bombs refused at once, and the memory stays bounded", async () => {
  const pool = open({ size: 2 });
  const kinds = bombs();
  const peaks = new Map<number, number>();
  const look = () => {
    for (const pid of decodersOf())
      peaks.set(pid, Number(/VmHWM:\s+(\d+)/.exec(fileOf(pid, "status"))?.[1] ?? 0) / 1024);
  };
  const looking = setInterval(look, 20);
  const ends = await Promise.all(
    Array.from({ length: 80 }, async (_, index) => {
      const bomb = index % 4 === 0 ? kinds[(index / 4) % kinds.length] : undefined;
      if (bomb) return String(await failureOf(pool.fit(bomb, never)));
      return `${isFace(await pool.fit(photo, never)) ? "a" : "no"} face`;
    }),
  );
  look();
  clearInterval(looking);
  const count = (text: string) => ends.filter((end) => end.includes(text)).length;
  expect(count("a face")).toBe(60);
  expect([count("takes too long to decode"), count("more than 25 megapixels")]).toEqual([10, 10]);
  expect(peaks.size).toBe(2);
  expect(Math.max(...peaks.values())).toBeLessThan(200);
});
