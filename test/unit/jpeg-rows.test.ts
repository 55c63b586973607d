import { describe, expect, test } from "bun:test";
import { endOfScan, otherEndOf, readJpeg } from "../../src/upstreams/decoder/formats/jpeg.ts";
import { hasAllRows } from "../../src/upstreams/decoder/formats/jpeg-rows.ts";
import { makeJpeg, repeatLastScan } from "../support/jpeg.ts";
import { makePng, type Rgba } from "../support/png.ts";

const noise = (x: number, y: number): Rgba => {
  const value = Math.imul(x * 7919 + y * 104729 + 1, 0x9e3779b1);
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, 255];
};
const soft = (x: number, y: number): Rgba => [x & 255, y & 255, (x + y) & 255, 255];
const sized = (width: number, height: number, rgba = noise) => new Bun.Image(makePng({ width, height, rgba }));
const block = (x: number, y: number) => noise(x, y).slice(0, 3);
const size = { width: 160, height: 128 };
const endMarker = Buffer.of(0xff, 0xd9);

const fine = await sized(160, 128).jpeg({ quality: 98 }).buffer();
const baseline = {
  fine,
  coarse: await sized(160, 128).jpeg({ quality: 20 }).buffer(),
  "whose edges are no multiple of a block": await sized(133, 121, soft).jpeg({ quality: 90 }).buffer(),
  grey: makeJpeg({ ...size, block: (x, y) => block(x, y).slice(0, 1) }),
  cmyk: makeJpeg({ ...size, block: (x, y) => noise(x, y), adobe: 0 }),
  "with restart markers": makeJpeg({ ...size, block, restartAfter: 7 }),
};
const progressive = {
  fine: await sized(160, 128).jpeg({ quality: 98, progressive: true }).buffer(),
  coarse: await sized(160, 128).jpeg({ quality: 20, progressive: true }).buffer(),
  "whose edges are no multiple of a block": await sized(133, 121, soft)
    .jpeg({ quality: 90, progressive: true })
    .buffer(),
  grey: makeJpeg({ ...size, block: (x, y) => block(x, y).slice(0, 1), progressive: true }),
  cmyk: makeJpeg({ ...size, block: (x, y) => noise(x, y), adobe: 0, progressive: true }),
  "with restart markers": makeJpeg({ ...size, block, restartAfter: 7, progressive: true }),
  "of many scans": repeatLastScan(makeJpeg({ ...size, block, progressive: true }), 9),
};

const all = [...Object.values(baseline), ...Object.values(progressive)];
const scanStart = Buffer.of(0xff, 0xda);
const rounds = 12;

describe.each([
  ...Object.entries(baseline).map(([name, jpeg]) => [`baseline JPEG ${name}`, jpeg] as const),
  ...Object.entries(progressive).map(([name, jpeg]) => [`progressive JPEG ${name}`, jpeg] as const),
])("a %s", (_, jpeg) => {
  const rows = jpeg.subarray(0, -2);

  test("has all rows, also with something behind them, and is decoded once", () => {
    for (const more of ["", "ffd9", `ffd9${jpeg.toString("hex")}`])
      expect(hasAllRows(Buffer.concat([rows, Buffer.from(more, "hex")]))).toBe(true);
    expect(readJpeg(jpeg).otherEnd?.()).toBeUndefined();
  });

  test("has not, if as much as its last byte is missing", () => {
    const [first, last] = [jpeg.indexOf(scanStart), rows.lastIndexOf(scanStart) + 16];
    for (let missing = 1; missing < rows.byteLength - last; missing += Math.ceil(missing / 4)) {
      const cut = rows.subarray(0, -missing);
      for (const bytes of [cut, Buffer.concat([cut, endMarker])])
        expect({ missing, all: hasAllRows(bytes) }).toEqual({ missing, all: false });
    }
    expect(hasAllRows(rows.subarray(0, first + 20))).toBe(false);
  });
});

test("what follows a single scan does not matter", () => {
  expect(hasAllRows(Buffer.concat([fine.subarray(0, -2), Buffer.from("more bytes")]))).toBe(true);
});

test("a scan of a progressive JPEG that lacks rows is found, also in the middle", () => {
  const { fine } = progressive;
  for (let at = fine.indexOf(scanStart); at !== -1; at = fine.indexOf(scanStart, at + 2)) {
    const { end } = endOfScan(fine, at + 2 + fine.readUInt16BE(at + 2));
    expect(hasAllRows(Buffer.concat([fine.subarray(0, end - 3), fine.subarray(end)]))).toBe(false);
  }
});

test("bytes behind the rows change no picture that is said to have all of them, whatever is damaged", async () => {
  const pixels = async (bytes: Uint8Array) => {
    const image = new Bun.Image(bytes).resize(80, 80, { fit: "inside" });
    return await image.png({ compressionLevel: 0 }).buffer();
  };
  let seed = 7;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const told = { whole: 0, other: 0 };
  for (const jpeg of all)
    for (let round = 0; round < rounds; round++) {
      const start = jpeg.indexOf(scanStart);
      const places = [0, 1, 2].map(() => start + below(jpeg.byteLength - start)).sort((a, b) => a - b);
      const [from = 0, to = 0] = places;
      const damaged = Buffer.from(jpeg);
      for (const at of places.slice(0, round % 3)) damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
      const isCut = round % 3 === 0;
      const photo = isCut ? Buffer.concat([damaged.subarray(0, from), damaged.subarray(to)]) : damaged;
      const isWhole = hasAllRows(photo);
      told[isWhole ? "whole" : "other"]++;
      if (!isWhole) continue;
      const [one, other] = await Promise.all([photo, otherEndOf(photo)].map((bytes) => pixels(bytes).catch(() => {})));
      // What cannot be decoded is refused for that.
      if (one) expect(other && one.equals(other)).toBe(true);
    }
  expect(Math.min(...Object.values(told))).toBeGreaterThan(all.length);
});

test("whatever bytes it is given, it ends", () => {
  for (const jpeg of all)
    for (let at = 2; at < jpeg.byteLength; at += 1 + (at >> 3))
      for (const value of [0, 0xff, 0x7f]) {
        const damaged = Buffer.from(jpeg);
        damaged[at] = value;
        expect(typeof hasAllRows(damaged)).toBe("boolean");
      }
});
