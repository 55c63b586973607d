import { describe, expect, test } from "bun:test";
import { Reject } from "../../src/errors.ts";
import { fit } from "../../src/upstreams/decoder/face-jpeg.ts";
import { exifOf, jpegWithExif, pngWith } from "../support/exif.ts";
import { makeJpeg, repeatLastScan } from "../support/jpeg.ts";
import { makePng, type PngOptions, pixelsOf, pngChunk, pngHeader, type Rgba } from "../support/png.ts";

const refusalOf = async (bytes: Uint8Array) => {
  const error = await fit(bytes).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Reject ? `${error.code}: ${error.message}` : error;
};

const noise = (x: number, y: number): Rgba => {
  const value = Math.imul(x * 7919 + y * 104729 + 1, 0x9e3779b1);
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, 255];
};
const [width, height] = [160, 128];
const picture = (options: Partial<PngOptions> = {}) => makePng({ width, height, rgba: noise, ...options });
const jpegOf = (png: Uint8Array, progressive = false) => new Bun.Image(png).jpeg({ quality: 95, progressive }).buffer();
const block = (x: number, y: number) => noise(x, y).slice(0, 3);
const jpegs = async () => ({
  baseline: await jpegOf(picture()),
  progressive: await jpegOf(picture(), true),
  "with a thumbnail": jpegWithExif(await jpegOf(picture()), exifOf(1)),
  "with restart markers": makeJpeg({ width, height, block, restartAfter: 10 }),
  cmyk: makeJpeg({ width, height, block: (x, y) => noise(x, y), adobe: 0 }),
});
const endMarker = Buffer.of(0xff, 0xd9);

describe("a JPEG", () => {
  test("whose rows are all there is taken without its end marker, and shows the same", async () => {
    for (const [name, jpeg] of Object.entries(await jpegs())) {
      const whole = await fit(jpeg);
      for (const missing of [1, 2]) {
        const face = await fit(jpeg.subarray(0, -missing));
        expect({ name, missing, same: face.equals(whole) }).toEqual({ name, missing, same: true });
      }
    }
  });

  test("of which a part is missing is refused, also when it was given an end marker", async () => {
    for (const [name, jpeg] of Object.entries(await jpegs()))
      for (const part of [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
        const fragment = jpeg.subarray(0, Math.floor(jpeg.byteLength * part));
        for (const bytes of [fragment, Buffer.concat([fragment, endMarker])])
          expect({ name, part, refusal: await refusalOf(bytes) }).toEqual({
            name,
            part,
            refusal: expect.stringMatching(/^photo_unusable: the photo (is an incomplete JPEG|cannot be decoded)/),
          });
      }
  });

  test("that is cut at a restart marker is refused", async () => {
    const jpeg = makeJpeg({ width, height, block, restartAfter: 10 });
    const cuts: number[] = [];
    for (let at = jpeg.indexOf("\xff\xda", "latin1"); at < jpeg.byteLength - 2; at++)
      if (jpeg[at] === 0xff && (jpeg[at + 1] ?? 0) >= 0xd0 && (jpeg[at + 1] ?? 0) <= 0xd7)
        cuts.push(at, at + 1, at + 2);
    expect(cuts.length).toBe(3 * 31);
    for (const cut of cuts) expect(await refusalOf(jpeg.subarray(0, cut))).toMatch(/incomplete JPEG/);
  });

  test("that is cut between two of its scans is refused", async () => {
    const jpeg = await jpegOf(picture(), true);
    const [, ...later] = [...jpeg.toString("latin1").matchAll(/\xff\xda/g)].map(({ index }) => index);
    expect(later.length).toBeGreaterThan(5);
    for (const from of later) expect(await refusalOf(jpeg.subarray(0, from))).toMatch(/incomplete JPEG/);
  });

  test("with something after its end is taken", async () => {
    const jpeg = await jpegOf(picture());
    expect(await refusalOf(Buffer.concat([jpeg, Buffer.from("trailing\xff\xd8 bytes", "latin1")]))).toBeUndefined();
  });

  test("with more scans than encoders make is refused in milliseconds, and one with 100 is taken", async () => {
    const block = (x: number, y: number) => [(x ^ y) & 255, 128, 128];
    const ordinary = makeJpeg({ width: 1024, height: 1024, block, progressive: true });
    const scans = ordinary.toString("latin1").split("\xff\xda").length - 1;
    expect(await refusalOf(repeatLastScan(ordinary, 100 - scans))).toBeUndefined();
    for (const times of [101 - scans, 900, 2000]) {
      const bomb = repeatLastScan(ordinary, times);
      expect(bomb.byteLength).toBeLessThan(100_000);
      const from = performance.now();
      const text = `photo_unusable: the photo takes too long to decode (${scans + times} scans): upload another one in Eposh`;
      expect(await refusalOf(bomb)).toBe(text);
      // To decode it takes tens of seconds.
      expect(performance.now() - from).toBeLessThan(2_000);
    }
  });

  test("with fewer scans is refused where each of them is large", async () => {
    const header = makeJpeg({ width: 128, height: 128, block: () => [99], progressive: true });
    const frame = header.indexOf(Buffer.of(0xff, 0xc2));
    header.writeUInt16BE(7000, frame + 5);
    header.writeUInt16BE(7000, frame + 7);
    expect(await refusalOf(repeatLastScan(header, 20))).toContain("takes too long to decode (22 scans)");
  });
});

describe("a PNG", () => {
  test("that is cut anywhere is refused", async () => {
    const png = picture();
    for (const length of [8, 20, 33, 40, png.byteLength >> 1, png.byteLength - 12, png.byteLength - 1])
      expect(await refusalOf(png.subarray(0, length))).toStartWith("photo_unusable: ");
  });

  const comment = pngChunk("tEXt", Buffer.from("Comment\0made up"));
  /** The comment lies in bytes 33 to 59, the pixels behind it. */
  const flipped = (bytes: Buffer, at: number, bit = 4) => {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ bit;
    return damaged;
  };

  test("with one bit flipped in its picture is refused", async () => {
    const png = pngWith(picture(), comment);
    for (const at of [18, 29, 33, 61, 64, 100, 200, png.byteLength - 20, png.byteLength - 2])
      expect(await refusalOf(flipped(png, at))).toStartWith("photo_unusable: the photo is a damaged PNG");
    // The pixels' chunk becomes one of a kind that viewers leave out.
    expect(await refusalOf(flipped(png, 64, 32))).toStartWith("photo_unusable: the photo cannot be decoded");
    expect(await refusalOf(png)).toBeUndefined();
  });

  test("with one bit flipped in a comment is taken, and shows the same", async () => {
    const png = pngWith(picture(), comment);
    const whole = await fit(png);
    for (const at of [37, 41, 45, 55, 59]) expect((await fit(flipped(png, at))).equals(whole)).toBe(true);
  });

  test("whose checksums hold and whose rows are missing is refused", async () => {
    for (const part of [0, 0.5, 0.99]) {
      const data = Bun.deflateSync(Buffer.alloc(height * (width * 4 + 1) * part), { library: "zlib" });
      for (const bytes of [data, data.subarray(0, -5)]) {
        const chunks = [pngHeader(width, height), pngChunk("IDAT", bytes), pngChunk("IEND", Buffer.of())];
        expect(await refusalOf(Buffer.concat(chunks))).toStartWith("photo_unusable: the photo cannot be decoded");
      }
    }
    const hollow = Buffer.concat([pngHeader(width, height), pngChunk("IEND", Buffer.of())]);
    expect(await refusalOf(hollow)).toStartWith("photo_unusable: the photo cannot be decoded");
  });

  test("that claims 30 megapixels is refused from its header, without the memory for them", async () => {
    const bomb = Buffer.concat([
      pngHeader(6000, 5000, 16),
      pngChunk("IDAT", Buffer.alloc(1000)),
      pngChunk("IEND", Buffer.of()),
    ]);
    const before = process.memoryUsage.rss();
    expect(await refusalOf(bomb)).toBe("photo_unusable: the photo has more than 25 megapixels");
    expect(process.memoryUsage.rss() - before).toBeLessThan(50e6);
  });
});

test("a WebP that is cut is refused", async () => {
  const webp = await new Bun.Image(picture()).webp({ quality: 80 }).buffer();
  for (const length of [12, 30, webp.byteLength >> 1, webp.byteLength - 1])
    expect(await refusalOf(webp.subarray(0, length))).toStartWith("photo_unusable: ");
});

test("nothing, garbage, a page and a picture of another kind are refused", async () => {
  expect(await refusalOf(Buffer.of())).toBe("photo_unusable: the photo is empty");
  const pages = [Buffer.from("<!doctype html><title>Sign in</title>"), Buffer.alloc(5000, 7), Buffer.from("GIF89a")];
  for (const bytes of pages) expect(await refusalOf(bytes)).toStartWith("photo_unusable: the photo is not a");
});

test("a HEIC or AVIF picture is refused by its name", async () => {
  for (const brand of ["heic", "heix", "hevc", "mif1", "msf1"])
    expect(await refusalOf(Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1`))).toContain(
      "is a HEIC picture: convert it to JPEG",
    );
  expect(await refusalOf(Buffer.from("\0\0\0\x18ftypavif\0\0\0\0mif1"))).toContain("is an AVIF picture");
  expect(await refusalOf(Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0isom"))).toContain("is not a PNG");
});

test("a picture of fewer than 120 × 120 pixels is refused, in any format, and one of as many is taken", async () => {
  for (const [wide, high] of [
    [1, 1],
    [119, 400],
    [400, 119],
  ] as const) {
    const png = picture({ width: wide, height: high });
    for (const bytes of [png, await jpegOf(png), await new Bun.Image(png).webp().buffer()])
      expect(await refusalOf(bytes)).toBe(
        `photo_unusable: the photo has only ${wide} × ${high} pixels: upload one of at least 120 × 120 in Eposh`,
      );
  }
  expect(await refusalOf(picture({ width: 120, height: 120 }))).toBeUndefined();
  expect((await pixelsOf(await fit(picture({ width: 120, height: 120 })))).width).toBe(120);
});
