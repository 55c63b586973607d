import { describe, expect, test } from "bun:test";
import { fit } from "../../src/upstreams/decoder/face-jpeg.ts";
import { exifOf, jpegWith, jpegWithExif, pngWith, pngWithExif, webpWithExif } from "../support/exif.ts";
import { makeJpeg } from "../support/jpeg.ts";
import { makePng, type PngOptions, pixelsOf, pngChunk, type Rgba } from "../support/png.ts";
import {
  black,
  blue,
  type Colour,
  codedQuarters,
  codes,
  cornersOf,
  quarters,
  red,
  turnedCorners,
  white,
} from "../support/quarters.ts";

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

const near = (colour: Rgba, expected: Rgba, within = 6) => {
  const distance = Math.max(...colour.map((value, index) => Math.abs(value - (expected[index] ?? 0))));
  expect({ colour, distance: distance <= within }).toEqual({ colour, distance: true });
};

/** Cheap noise: the same every time, and nothing that a JPEG could fold away. */
const noise = (x: number, y: number): Rgba => {
  const value = Math.imul(x * 7919 + y * 104729 + 1, 0x9e3779b1);
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, 255];
};
const soft = (x: number, y: number): Rgba => [x & 255, y & 255, ((x + y) >> 1) & 255, 255];
const [width, height] = [160, 120];
const fourColours = quarters(width, height);
const picture = (options: Partial<PngOptions> = {}) => makePng({ width, height, rgba: soft, ...options });
const jpegOf = (png: Uint8Array, progressive = false) => new Bun.Image(png).jpeg({ quality: 95, progressive }).buffer();
const webpOf = (png: Uint8Array) => new Bun.Image(png).webp({ lossless: true }).buffer();

/** As a camera would make it, of 20 to 200 KB. */
const fitting = ({ quality = 90, progressive = false } = {}, height = 600) => {
  const grain: PngOptions["rgba"] = (x, y) =>
    soft(x, y).map((value, at) => (at === 3 ? 255 : value ^ ((noise(x, y)[at] ?? 0) >> 4))) as unknown as Rgba;
  return new Bun.Image(makePng({ width: 300, height, rgba: grain, level: 1 })).jpeg({ quality, progressive }).buffer();
};

describe("what HikCentral gets", () => {
  test("is a baseline JPEG of three components without metadata, whatever came in", async () => {
    const kinds = ["rgba", "rgb", "grey", "grey-alpha"] as const;
    const few = { rgba: (x: number) => (x < 80 ? red : blue) };
    const profile = Buffer.alloc(3144, 1);
    for (const [at, text] of ["RGB ", "XYZ ", "", "", "", "acsp"].entries()) profile.write(text, 16 + 4 * at);
    profile.writeUInt32BE(profile.byteLength);
    const block = (_x: number, y: number) => [y, 128, 128, 255];
    const pictures = {
      ...Object.fromEntries(kinds.map((kind) => [kind, picture({ kind })])),
      ...Object.fromEntries(kinds.map((kind) => [`${kind} 16`, picture({ kind, depth: 16 })])),
      palette: picture({ kind: "palette", ...few }),
      interlaced: picture({ interlaced: true }),
      "interlaced palette": picture({ kind: "palette", interlaced: true, ...few }),
      "png with a profile": pngWith(
        picture({ kind: "rgb" }),
        pngChunk("iCCP", Buffer.concat([Buffer.from("made up\0\0"), Bun.deflateSync(profile, { library: "zlib" })])),
      ),
      jpeg: await jpegOf(picture()),
      "progressive jpeg": await jpegOf(picture(), true),
      "grey jpeg": makeJpeg({ width, height, block: (_, y) => [y] }),
      "cmyk jpeg": makeJpeg({ width, height, block, adobe: 0 }),
      "progressive ycck jpeg": makeJpeg({ width, height, block, adobe: 2, progressive: true }),
      "jpeg with restart markers": makeJpeg({ width, height, block, restartAfter: 7 }),
      "jpeg with a profile": jpegWith(
        await jpegOf(picture()),
        0xe2,
        Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01"), profile]),
      ),
      webp: await new Bun.Image(picture()).webp({ quality: 80 }).buffer(),
      "lossless webp": await webpOf(picture()),
    };
    for (const [name, bytes] of Object.entries(pictures)) {
      const { markers, ...frame } = frameOf(await fit(bytes));
      expect({ name, ...frame }).toEqual({ name, marker: 0xc0, width, height, components: 3 });
      expect({ name, metadata: markers.filter((marker) => marker >= 0xe1 && marker <= 0xef) }).toEqual({
        name,
        metadata: [],
      });
    }
  });

  test("shows what was in the picture, the right way up and in its colours", async () => {
    const coded = (values: Record<Colour, readonly number[]>) => codedQuarters(width, 120, values);
    for (const bytes of [
      picture({ rgba: fourColours }),
      picture({ rgba: fourColours, depth: 16, interlaced: true }),
      picture({ rgba: fourColours, kind: "palette" }),
      await jpegOf(picture({ rgba: fourColours })),
      await webpOf(picture({ rgba: fourColours })),
      makeJpeg({ width, height: 128, block: coded(codes.ycc), restartAfter: 9 }),
      makeJpeg({ width, height: 128, block: coded(codes.ycc), progressive: true }),
      makeJpeg({ width, height: 128, block: coded(codes.cmyk), adobe: 0 }),
      makeJpeg({ width, height: 128, block: coded(codes.cmyk) }),
      makeJpeg({ width, height: 128, block: coded(codes.ycck), adobe: 2 }),
    ])
      expect(await cornersOf(await fit(bytes))).toBe("red white blue black");
  });

  test("is at most 640 px long and keeps its proportions", async () => {
    for (const [width, height, wanted] of [
      [1024, 1365, [480, 640]],
      [1700, 850, [640, 320]],
      [3000, 621, [640, 132]],
    ] as const) {
      const png = makePng({ width, height, rgba: () => white, kind: "grey-alpha", level: 1 });
      const frame = frameOf(await fit(png));
      expect([frame.width, frame.height]).toEqual([...wanted]);
      const fromJpeg = frameOf(await fit(await jpegOf(png)));
      expect([fromJpeg.width, fromJpeg.height]).toEqual([...wanted]);
    }
  });

  test("is never larger than the picture was", async () => {
    const frame = frameOf(await fit(makePng({ width: 130, height: 120, rgba: () => red })));
    expect([frame.width, frame.height]).toEqual([130, 120]);
  });

  test("has between 20 and 200 KB where the picture allows it", async () => {
    const heavy = await fit(makePng({ width: 640, height: 640, rgba: noise, level: 1 }));
    expect(heavy.byteLength).toBeLessThanOrEqual(200_000);
    expect(heavy.byteLength).toBeGreaterThan(100_000);
    const faint = (x: number, y: number): Rgba => {
      const grain = noise(x >> 1, y >> 1)[0] >> 5;
      return [150 + grain, 120 + grain, 100 + grain, 255];
    };
    const light = makePng({ width: 300, height: 400, rgba: faint, level: 1 });
    expect((await new Bun.Image(light).jpeg({ quality: 90 }).buffer()).byteLength).toBeLessThan(20_000);
    expect((await fit(light)).byteLength).toBeGreaterThan(20_000);
  });

  test("is the photo itself where that is a fit JPEG, without what is no picture", async () => {
    const photo = await fitting();
    expect(photo.byteLength).toBeGreaterThan(20_000);
    expect(photo.byteLength).toBeLessThan(200_000);
    const more = {
      "as it is": photo,
      "with EXIF": jpegWithExif(photo, exifOf(1, "II")),
      "with a comment": jpegWith(photo, 0xfe, Buffer.from("made up")),
      "with two pictures more behind it": Buffer.concat([photo, photo, photo]),
    };
    for (const [name, bytes] of Object.entries(more))
      expect({ name, isSame: (await fit(bytes)).equals(photo) }).toEqual({ name, isSame: true });
  });

  test("is encoded again where a JPEG is not fit", async () => {
    const photo = await fitting();
    const profile = Buffer.from("ICC_PROFILE\0\x01\x01");
    const others = {
      turned: jpegWithExif(photo, exifOf(6, "MM")),
      "of another colour space": jpegWith(photo, 0xe2, profile),
      progressive: await fitting({ progressive: true }),
      "too large": await fitting({}, 700),
      "of too many bytes": await new Bun.Image(makePng({ width: 640, height: 640, rgba: noise, level: 1 }))
        .jpeg({ quality: 98 })
        .buffer(),
      "of too few bytes": await fitting({ quality: 30 }),
    };
    for (const [name, bytes] of Object.entries(others)) {
      const face = await fit(bytes);
      const { marker, width, height } = frameOf(face);
      expect({ name, isSame: face.equals(bytes), marker, isSmall: Math.max(width, height) <= 640 }).toEqual({
        ...{ name, isSame: false, marker: 0xc0, isSmall: true },
      });
    }
  });

  test("is not the photo itself where rows of it are missing", async () => {
    const photo = await fitting();
    const end = Buffer.from("ffd9", "hex");
    for (const missing of [20, 200, 2_000, photo.byteLength - 20_500]) {
      const cut = Buffer.concat([photo.subarray(0, -2 - missing), end]);
      await expect(fit(cut)).rejects.toThrow("incomplete JPEG");
    }
  });

  test("keeps the average of what is too fine to show", async () => {
    const stripes = (x: number): Rgba => (x % 2 ? white : black);
    for (const kind of ["rgba", "rgb"] as const) {
      const { at } = await pixelsOf(await fit(makePng({ width: 1280, height: 256, rgba: stripes, kind })));
      for (let x = 20; x < 620; x++) near(at(x, 32), [127, 127, 127, 255], 12);
    }
  });

  test("is turned as EXIF says, in all three formats and both byte orders, and says so no more", async () => {
    const png = picture({ rgba: fourColours });
    const opaque = picture({ rgba: fourColours, kind: "rgb" });
    const [jpeg, webp] = [await jpegOf(png), await webpOf(png)];
    for (const byteOrder of ["MM", "II"] as const)
      for (const [index, corners] of turnedCorners.entries()) {
        const exif = exifOf(index + 1, byteOrder);
        for (const [format, bytes] of Object.entries({
          png: pngWithExif(png, exif),
          opaque: pngWithExif(opaque, exif),
          jpeg: jpegWithExif(jpeg, exif),
          webp: webpWithExif(webp, exif, { width, height }),
        })) {
          const face = await fit(bytes);
          const { width: wide, height: high } = frameOf(face);
          expect({ format, index, corners: await cornersOf(face), size: [wide, high] }).toEqual({
            format,
            index,
            corners,
            size: index < 4 ? [width, height] : [height, width],
          });
          expect(face.includes("Exif")).toBe(false);
        }
      }
  });

  test("is upright where EXIF is cut, or says nothing that there is", async () => {
    const png = picture({ rgba: fourColours });
    const whole = exifOf(6);
    for (const exif of [
      exifOf(0),
      exifOf(9),
      Buffer.of(),
      ...[4, 9, 15, 18].map((length) => whole.subarray(0, length)),
    ])
      expect(await cornersOf(await fit(pngWithExif(png, exif)))).toBe("red white blue black");
  });
});

describe("transparency", () => {
  test("is white, whatever colour it hides", async () => {
    const hidden: Rgba = [0, 200, 0, 0];
    const halves = (x: number): Rgba => (x < 80 ? red : hidden);
    for (const bytes of [
      picture({ rgba: halves }),
      picture({ rgba: halves, depth: 16 }),
      picture({ rgba: halves, kind: "palette" }),
      picture({ rgba: (x) => (x < 80 ? black : [0, 0, 0, 0]), kind: "grey-alpha" }),
      await webpOf(picture({ rgba: halves })),
    ]) {
      near((await pixelsOf(await fit(bytes))).at(140, 60), white);
    }
  });

  test("in part lets as much white through", async () => {
    const { at } = await pixelsOf(await fit(picture({ rgba: (x) => (x < 80 ? [0, 0, 0, 128] : [255, 0, 0, 64]) })));
    near(at(10, 60), [127, 127, 127, 255]);
    near(at(150, 60), [255, 191, 191, 255]);
  });

  test("leaves no dark seam where a picture is made smaller", async () => {
    for (const width of [700, 1500, 2500]) {
      const half = Math.floor(width / 2) + 1;
      const seam = (x: number): Rgba => (x < half ? white : x === half ? [255, 255, 255, 90] : [0, 0, 0, 0]);
      for (const kind of ["rgba", "palette"] as const) {
        const face = await fit(makePng({ width, height: width / 5, rgba: seam, kind }));
        const { at, ...size } = await pixelsOf(face);
        for (let x = 0; x < size.width; x++) near(at(x, size.height >> 1), white, 3);
      }
    }
  });
});
