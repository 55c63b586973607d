import { describe, expect, test } from "bun:test";
import { Reject } from "../../src/errors.ts";
import { fit } from "../../src/upstreams/face-jpeg.ts";
import { makePng, type PngOptions, pixelsOf, pngChunk, pngHeader, type Rgba } from "../support/png.ts";

/** The markers before the first scan, and what the frame header says. */
function frameOf(jpeg: Buffer) {
  const markers: number[] = [];
  let frame = { marker: 0, width: 0, height: 0, components: 0 };
  for (let at = 2; jpeg[at + 1] !== 0xda; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg[at + 1] ?? 0;
    markers.push(marker);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width] = [jpeg.readUInt16BE(at + 5), jpeg.readUInt16BE(at + 7)];
      frame = { marker, width, height, components: jpeg[at + 9] ?? 0 };
    }
  }
  return { ...frame, markers };
}

const fitted = async (bytes: Uint8Array) => Buffer.from(await fit(bytes), "base64");
const refusalOf = async (bytes: Uint8Array) => {
  const error = await fit(bytes).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof Reject ? `${error.code}: ${error.message}` : error;
};
const near = (colour: Rgba, expected: Rgba, within = 6) => {
  const distance = Math.max(...colour.map((value, index) => Math.abs(value - (expected[index] ?? 0))));
  expect({ colour, distance: distance <= within }).toEqual({ colour, distance: true });
};

const white: Rgba = [255, 255, 255, 255];
const black: Rgba = [0, 0, 0, 255];
const red: Rgba = [255, 0, 0, 255];
const blue: Rgba = [0, 0, 255, 255];

/** Cheap noise: the same every time, and nothing that a JPEG could fold away. */
const noise = (x: number, y: number): Rgba => {
  const value = Math.imul(x * 7919 + y * 104729 + 1, 0x9e3779b1);
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, 255];
};
const soft = (x: number, y: number): Rgba => [x & 255, y & 255, ((x + y) >> 1) & 255, 255];
const picture = (options: Partial<PngOptions> = {}) => makePng({ width: 90, height: 120, rgba: soft, ...options });
const jpegOf = (png: Uint8Array, progressive = false) => new Bun.Image(png).jpeg({ quality: 95, progressive }).buffer();

/** An APP1 that says "turn by this orientation", with what looks like the end of a thumbnail. */
function withExif(jpeg: Buffer, orientation: number): Buffer {
  const tiff = Buffer.from("4d4d002a0000000800010112000300000001000000000000ffd9", "hex");
  tiff[19] = orientation;
  const exif = Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xe1, 0, exif.byteLength + 2]),
    exif,
    jpeg.subarray(2),
  ]);
}

describe("what HikCentral gets", () => {
  test("is a baseline JPEG of three components without metadata, whatever came in", async () => {
    const colours = ["rgba", "rgb", "grey", "grey-alpha"] as const;
    const few = { rgba: (x: number) => (x < 45 ? red : blue) };
    const pictures = {
      ...Object.fromEntries(colours.map((kind) => [kind, picture({ kind })])),
      ...Object.fromEntries(colours.map((kind) => [`${kind} 16`, picture({ kind, depth: 16 })])),
      palette: picture({ kind: "palette", ...few }),
      interlaced: picture({ interlaced: true }),
      "interlaced palette": picture({ kind: "palette", interlaced: true, ...few }),
      jpeg: await jpegOf(picture()),
      "progressive jpeg": await jpegOf(picture(), true),
      webp: await new Bun.Image(picture()).webp({ quality: 80 }).buffer(),
      "lossless webp": await new Bun.Image(picture()).webp({ lossless: true }).buffer(),
    };
    for (const [name, bytes] of Object.entries(pictures)) {
      const { markers, ...frame } = frameOf(await fitted(bytes));
      expect({ name, ...frame }).toEqual({ name, marker: 0xc0, width: 90, height: 120, components: 3 });
      expect(markers.filter((marker) => marker >= 0xe1 && marker <= 0xef)).toEqual([]);
    }
  });

  test("shows what was in the picture, the right way up and in its colours", async () => {
    const corner = (x: number, y: number): Rgba => (y < 60 ? (x < 45 ? red : white) : x < 45 ? blue : black);
    for (const bytes of [
      picture({ rgba: corner }),
      picture({ rgba: corner, depth: 16, interlaced: true }),
      picture({ rgba: corner, kind: "palette" }),
      await jpegOf(picture({ rgba: corner })),
    ]) {
      const { at } = await pixelsOf(await fitted(bytes));
      near(at(10, 10), red);
      near(at(80, 10), white);
      near(at(10, 110), blue);
      near(at(80, 110), black);
    }
  });

  test("is at most 640 px long and keeps its proportions", async () => {
    for (const [width, height, wanted] of [
      [1024, 1365, [480, 640]],
      [1700, 850, [640, 320]],
      [3000, 2, [640, 1]],
    ] as const) {
      const png = makePng({ width, height, rgba: () => white, level: 1 });
      const frame = frameOf(await fitted(png));
      expect([frame.width, frame.height]).toEqual([...wanted]);
      const fromJpeg = frameOf(await fitted(await jpegOf(png)));
      expect([fromJpeg.width, fromJpeg.height]).toEqual([...wanted]);
    }
  });

  test("is never larger than the picture was", async () => {
    const frame = frameOf(await fitted(makePng({ width: 3, height: 2, rgba: () => red })));
    expect([frame.width, frame.height]).toEqual([3, 2]);
  });

  test("has between 20 and 200 KB where the picture allows it", async () => {
    const heavy = await fitted(makePng({ width: 640, height: 640, rgba: noise, level: 1 }));
    expect(heavy.byteLength).toBeLessThanOrEqual(200_000);
    expect(heavy.byteLength).toBeGreaterThan(100_000);
    const faint = (x: number, y: number): Rgba => {
      const grain = noise(x >> 1, y >> 1)[0] >> 5;
      return [150 + grain, 120 + grain, 100 + grain, 255];
    };
    const light = makePng({ width: 300, height: 400, rgba: faint, level: 1 });
    expect((await new Bun.Image(light).jpeg({ quality: 90 }).buffer()).byteLength).toBeLessThan(20_000);
    expect((await fitted(light)).byteLength).toBeGreaterThan(20_000);
  });

  test("keeps the average of what is too fine to show", async () => {
    const stripes = (x: number): Rgba => (x % 2 ? white : black);
    for (const kind of ["rgba", "rgb"] as const) {
      const { at } = await pixelsOf(await fitted(makePng({ width: 1280, height: 64, rgba: stripes, kind })));
      for (let x = 20; x < 620; x++) near(at(x, 16), [127, 127, 127, 255], 12);
    }
  });

  test("is turned as EXIF says, and says so no more", async () => {
    const leftRed = await jpegOf(picture({ rgba: (x) => (x < 45 ? red : blue) }));
    const turned = await fitted(withExif(leftRed, 6));
    expect(turned.includes("Exif")).toBe(false);
    const { width, height, at } = await pixelsOf(turned);
    expect([width, height]).toEqual([120, 90]);
    near(at(60, 10), red);
    near(at(60, 80), blue);
  });
});

describe("transparency", () => {
  test("is white, whatever colour it hides", async () => {
    const hidden: Rgba = [0, 200, 0, 0];
    const halves = (x: number): Rgba => (x < 45 ? red : hidden);
    for (const bytes of [
      picture({ rgba: halves }),
      picture({ rgba: halves, depth: 16 }),
      picture({ rgba: halves, kind: "palette" }),
      picture({ rgba: (x) => (x < 45 ? black : [0, 0, 0, 0]), kind: "grey-alpha" }),
      await new Bun.Image(picture({ rgba: halves })).webp({ lossless: true }).buffer(),
    ]) {
      near((await pixelsOf(await fitted(bytes))).at(80, 60), white);
    }
  });

  test("in part lets as much white through", async () => {
    const { at } = await pixelsOf(await fitted(picture({ rgba: (x) => (x < 45 ? [0, 0, 0, 128] : [255, 0, 0, 64]) })));
    near(at(10, 60), [127, 127, 127, 255]);
    near(at(80, 60), [255, 191, 191, 255]);
  });

  test("leaves no dark seam where a picture is made smaller", async () => {
    for (const width of [700, 1500, 2500]) {
      const half = Math.floor(width / 2) + 1;
      const seam = (x: number): Rgba => (x < half ? white : x === half ? [255, 255, 255, 90] : [0, 0, 0, 0]);
      for (const kind of ["rgba", "palette"] as const) {
        const face = await fitted(makePng({ width, height: 20, rgba: seam, kind }));
        const { at, ...size } = await pixelsOf(face);
        for (let x = 0; x < size.width; x++) near(at(x, size.height >> 1), white, 3);
      }
    }
  });
});

describe("refused as photo_unusable", () => {
  test("nothing, garbage, a page and a picture of another kind", async () => {
    expect(await refusalOf(Buffer.of())).toBe("photo_unusable: the photo is empty");
    const pages = [Buffer.from("<!doctype html><title>Sign in</title>"), Buffer.alloc(5000, 7), Buffer.from("GIF89a")];
    for (const bytes of pages) expect(await refusalOf(bytes)).toStartWith("photo_unusable: the photo is not a");
  });

  test("a PNG that is cut anywhere", async () => {
    const png = picture();
    for (const length of [8, 20, 33, 40, png.byteLength >> 1, png.byteLength - 12, png.byteLength - 1])
      expect(await refusalOf(png.subarray(0, length))).toStartWith("photo_unusable: ");
  });

  test("a PNG with one bit flipped in any chunk", async () => {
    const png = Buffer.concat([
      picture().subarray(0, 33),
      pngChunk("tEXt", Buffer.from("Comment\0made up")),
      picture().subarray(33),
    ]);
    for (const at of [18, 29, 45, 60, 62, 200, png.byteLength - 20, png.byteLength - 2]) {
      const damaged = Buffer.from(png);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      expect(await refusalOf(damaged)).toStartWith("photo_unusable: the photo is a damaged PNG");
    }
    expect(await refusalOf(png)).toBeUndefined();
  });

  test("a PNG whose checksums hold and whose pixels are missing", async () => {
    const hollow = Buffer.concat([pngHeader(90, 120), pngChunk("IEND", Buffer.of())]);
    expect(await refusalOf(hollow)).toStartWith("photo_unusable: the photo cannot be decoded");
  });

  test("a JPEG without its end, also when its thumbnail has one", async () => {
    for (const progressive of [false, true]) {
      const jpeg = await jpegOf(picture({ rgba: noise }), progressive);
      const thumbnailed = withExif(jpeg, 1);
      for (const whole of [jpeg, thumbnailed]) {
        for (const length of [4, 60, 400, whole.byteLength >> 1, whole.byteLength - 2, whole.byteLength - 1])
          expect(await refusalOf(whole.subarray(0, length))).toMatch(/^photo_unusable: .*incomplete JPEG/);
        expect(await refusalOf(whole)).toBeUndefined();
      }
    }
  });

  test("but a JPEG with something after its end is taken", async () => {
    const jpeg = await jpegOf(picture());
    expect(await refusalOf(Buffer.concat([jpeg, Buffer.from("trailing\xff\xd8 bytes", "latin1")]))).toBeUndefined();
  });

  test("a WebP that is cut", async () => {
    const webp = await new Bun.Image(picture({ rgba: noise })).webp({ quality: 80 }).buffer();
    for (const length of [12, 30, webp.byteLength >> 1, webp.byteLength - 1])
      expect(await refusalOf(webp.subarray(0, length))).toStartWith("photo_unusable: ");
  });

  test("a PNG bomb, from its header and without the memory that it asks for", async () => {
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
