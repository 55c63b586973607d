import { describe, expect, test } from "bun:test";
import { hasAllRows } from "../../src/upstreams/decoder/formats/baseline-rows.ts";
import { readJpeg } from "../../src/upstreams/decoder/formats/jpeg.ts";
import { makeJpeg } from "../support/jpeg.ts";
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

const baseline = {
  fine: await sized(160, 128).jpeg({ quality: 98 }).buffer(),
  coarse: await sized(160, 128).jpeg({ quality: 20 }).buffer(),
  "whose edges are no multiple of a block": await sized(133, 121, soft).jpeg({ quality: 90 }).buffer(),
  grey: makeJpeg({ ...size, block: (x, y) => block(x, y).slice(0, 1) }),
  cmyk: makeJpeg({ ...size, block: (x, y) => noise(x, y), adobe: 0 }),
  "with restart markers": makeJpeg({ ...size, block, restartAfter: 7 }),
};

describe.each(Object.entries(baseline))("a baseline JPEG %s", (_, jpeg) => {
  const rows = jpeg.subarray(0, -2);

  test("has all rows, also with something behind them, and needs to be decoded once only", () => {
    expect(hasAllRows(jpeg)).toBe(true);
    expect(hasAllRows(rows)).toBe(true);
    for (const more of [Buffer.from("more bytes"), Buffer.concat([endMarker, jpeg])])
      expect(hasAllRows(Buffer.concat([rows, more]))).toBe(true);
    expect(readJpeg(jpeg).otherEnd).toBeUndefined();
  });

  test("has not, if as much as its last byte is missing", () => {
    for (let missing = 1; missing < rows.byteLength; missing += Math.ceil(missing / 16)) {
      const cut = rows.subarray(0, -missing);
      for (const bytes of [cut, Buffer.concat([cut, endMarker])])
        expect({ missing, all: hasAllRows(bytes) }).toEqual({ missing, all: false });
    }
  });
});

test("of a progressive JPEG it is not told, and it is decoded twice", async () => {
  const progressive = await sized(160, 128).jpeg({ progressive: true }).buffer();
  expect(hasAllRows(progressive)).toBe(false);
  expect(readJpeg(progressive).otherEnd).toBeInstanceOf(Buffer);
});

test("whatever bytes it is given, it ends", () => {
  for (const jpeg of Object.values(baseline))
    for (let at = 2; at < jpeg.byteLength; at += 1 + (at >> 4))
      for (const value of [0, 0xff, 0x7f]) {
        const damaged = Buffer.from(jpeg);
        damaged[at] = value;
        expect(typeof hasAllRows(damaged)).toBe("boolean");
      }
});
