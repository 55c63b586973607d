import { animatedWebp, exifOf, jpegWith, jpegWithExif, pngWith, pngWithExif, webpWithExif } from "../support/exif.ts";
import { makeJpeg, repeatLastScan } from "../support/jpeg.ts";
import { makePng, type PngOptions, pngChunk, pngHeader, type Rgba } from "../support/png.ts";
import { codedQuarters, codes, quarters, turnedCorners } from "../support/quarters.ts";

export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The corners of what HikCentral receives, and its size; a part of the reason where it receives nothing. */
  readonly wanted: { readonly corners: string; readonly size: string } | { readonly refused: RegExp };
}

const size = { width: 160, height: 128 };
const { width, height } = size;
const rgba = quarters(width, height);
const [upright = ""] = turnedCorners;
const landscape = `${width}×${height}`;
const picture = (options: Partial<PngOptions> = {}) => makePng({ width, height, rgba, ...options });
const jpegOf = (png: Uint8Array, progressive = false) => new Bun.Image(png).jpeg({ quality: 95, progressive }).buffer();
const webpOf = (png: Uint8Array, lossless = true) =>
  new Bun.Image(png).webp(lossless ? { lossless } : { quality: 95 }).buffer();
const coded = (values: (typeof codes)[keyof typeof codes]) => codedQuarters(width, height, values);
const word = (value: number) => Buffer.of(value >> 8, value & 255);

/** Grey in four steps, for the kinds that have no colour. */
const grey = (x: number, y: number): Rgba => {
  const [red, green, blue] = rgba(x, y);
  const value = red + green + blue > 600 ? 255 : 0;
  return [value, value, value, 255];
};
const greyCorners = "black white black black";
/** White is nothing at all here, with a colour behind it that nobody is to see. */
const hollow = (x: number, y: number): Rgba => (x >= width / 2 && y < height / 2 ? [0, 200, 0, 0] : rgba(x, y));

const profile = Buffer.alloc(3144, 1);
for (const [at, text] of ["RGB ", "XYZ ", "", "", "", "acsp"].entries()) profile.write(text, 16 + 4 * at);
profile.writeUInt32BE(profile.byteLength);

/** With a little grain, as cameras make it: too many bytes for a smooth picture. */
const grainy = (x: number, y: number): Rgba => {
  const grain = Math.imul(x * 7919 + y * 104729 + 1, 0x9e3779b1) >>> 28;
  const [red, green, blue] = quarters(600, 480)(x, y);
  return [red ^ (grain & 7), green ^ (grain >> 1), blue ^ (grain & 5), 255];
};
/** Goes out as it came. */
export const fitName = "JPEG that is fit already";

/** Of an animated PNG's only frame. */
const frameControl = Buffer.alloc(26);
frameControl.writeUInt32BE(width, 4);
frameControl.writeUInt32BE(height, 8);

type Given = readonly [name: string, bytes: Uint8Array, corners?: string, size?: string];
type Bad = readonly [name: string, bytes: Uint8Array, refused: RegExp];

/** What any viewer shows. */
async function good(): Promise<Given[]> {
  const png = picture();
  const [jpeg, progressive, webp] = [await jpegOf(png), await jpegOf(png, true), await webpOf(png)];
  const comment = pngChunk("tEXt", Buffer.from("Comment\0made up"));
  comment.writeUInt32BE(1, comment.byteLength - 4);
  const large = new Bun.Image(png).resize(6000, 4800, { filter: "nearest" });
  const block = coded(codes.ycc);
  const turned = turnedCorners.flatMap((corners, at): Given[] => {
    const exif = exifOf(at + 1, at % 2 ? "II" : "MM");
    const turnedSize = at < 4 ? landscape : `${height}×${width}`;
    return [
      [`JPEG turned by EXIF ${at + 1}`, jpegWithExif(jpeg, exif), corners, turnedSize],
      [`PNG turned by EXIF ${at + 1}`, pngWithExif(png, exif), corners, turnedSize],
      [`WebP turned by EXIF ${at + 1}`, webpWithExif(webp, exif, size), corners, turnedSize],
    ];
  });
  return [
    ["PNG", png],
    ["PNG without alpha", picture({ kind: "rgb" })],
    ["PNG with a palette", picture({ kind: "palette" })],
    ["PNG with an interlaced palette", picture({ kind: "palette", interlaced: true })],
    ["grey PNG", picture({ kind: "grey", rgba: grey }), greyCorners],
    ["grey PNG with alpha", picture({ kind: "grey-alpha", rgba: grey }), greyCorners],
    ["PNG of 16 bits", picture({ depth: 16 })],
    ["PNG of 16 bits without alpha", picture({ depth: 16, kind: "rgb" })],
    ["grey PNG of 16 bits", picture({ depth: 16, kind: "grey", rgba: grey }), greyCorners],
    ["interlaced PNG", picture({ interlaced: true })],
    ["interlaced PNG of 16 bits", picture({ interlaced: true, depth: 16 })],
    ["transparent PNG", picture({ rgba: hollow })],
    ["transparent PNG with a palette", picture({ rgba: hollow, kind: "palette" })],
    ["transparent WebP", await webpOf(picture({ rgba: hollow }))],
    [
      "PNG with a colour profile",
      pngWith(
        png,
        pngChunk("iCCP", Buffer.concat([Buffer.from("made up\0\0"), Bun.deflateSync(profile, { library: "zlib" })])),
      ),
    ],
    ["PNG with a comment whose checksum is wrong", pngWith(png, comment)],
    ["PNG with bytes after its end", Buffer.concat([png, Buffer.from("trailing")])],
    ["JPEG", jpeg],
    [fitName, await jpegOf(makePng({ width: 600, height: 480, rgba: grainy })), upright, "600×480"],
    ["progressive JPEG", progressive],
    ["grey JPEG", await grayJpeg(), greyCorners],
    ["CMYK JPEG of Adobe", makeJpeg({ width, height, block: coded(codes.cmyk), adobe: 0 })],
    ["CMYK JPEG", makeJpeg({ width, height, block: coded(codes.cmyk) })],
    ["YCCK JPEG", makeJpeg({ width, height, block: coded(codes.ycck), adobe: 2 })],
    ["JPEG with restart markers", makeJpeg({ width, height, block, restartAfter: 9 })],
    ["JPEG of 50 scans", repeatLastScan(makeJpeg({ width, height, block, progressive: true }), 46)],
    ["JPEG without its end marker", jpeg.subarray(0, -2)],
    ["progressive JPEG without its end marker", progressive.subarray(0, -2)],
    ["JPEG with bytes after its end", Buffer.concat([jpeg, Buffer.from("trailing\xff\xd8", "latin1")])],
    [
      "JPEG with a colour profile",
      jpegWith(jpeg, 0xe2, Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01"), profile])),
    ],
    ["WebP", await webpOf(png, false)],
    ["lossless WebP", webp],
    [
      "WebP turned by EXIF and without alpha",
      webpWithExif(await webpOf(png, false), exifOf(6, "II"), size),
      turnedCorners[5] ?? upright,
      `${height}×${width}`,
    ],
    ["animated WebP", animatedWebp([await webpOf(png, false), await webpOf(picture({ rgba: hollow }), false)], size)],
    ["animated WebP with alpha", animatedWebp([await webpOf(picture({ rgba: hollow }), false), webp], size)],
    ["animated PNG", pngWith(png, pngChunk("acTL", Buffer.of(0, 0, 0, 1, 0, 0, 0, 0)), pngChunk("fcTL", frameControl))],
    ["PNG of 120 × 120", makePng({ width: 120, height: 120, rgba: quarters(120, 120) }), upright, "120×120"],
    ["JPEG of 29 megapixels", await large.jpeg({ quality: 60 }).buffer(), upright, "640×512"],
    [
      "PNG of 3 megapixels",
      await new Bun.Image(png).resize(2000, 1600, { filter: "nearest" }).png().buffer(),
      upright,
      "640×512",
    ],
    ...turned,
  ];
}

const grayJpeg = async () => makeJpeg({ width, height, block: (x, y) => grey(x, y).slice(0, 1) });

/** What is no picture of a face, or only a part of one. */
async function bad(): Promise<Bad[]> {
  const png = picture();
  const [jpeg, progressive, webp] = [await jpegOf(png), await jpegOf(png, true), await webpOf(png)];
  const part = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.byteLength * 0.7));
  const flipped = Buffer.from(png);
  flipped[60] = (flipped[60] ?? 0) ^ 4;
  const many = Buffer.from(jpeg);
  const frame = many.indexOf(Buffer.of(0xff, 0xc0));
  Buffer.concat([word(7200), word(7200)]).copy(many, frame + 5);
  const small = (edge: number) => picture({ width: edge, height: edge });
  return [
    ["JPEG with rows missing", part(jpeg), /incomplete JPEG/],
    ["progressive JPEG with rows missing", part(progressive), /incomplete JPEG/],
    [
      "progressive JPEG with rows missing and an end marker",
      Buffer.concat([progressive.subarray(0, -9), Buffer.of(0xff, 0xd9)]),
      /incomplete JPEG/,
    ],
    ["JPEG with rows missing and an end marker", Buffer.concat([part(jpeg), Buffer.of(0xff, 0xd9)]), /incomplete JPEG/],
    ["PNG with rows missing", part(png), /damaged PNG/],
    ["PNG with a bit flipped", flipped, /damaged PNG/],
    [
      "PNG without pixels",
      Buffer.concat([pngHeader(width, height), pngChunk("IEND", Buffer.of())]),
      /cannot be decoded/,
    ],
    ["lossless WebP with rows missing", part(webp), /cannot be decoded/],
    ["WebP with rows missing", part(await webpOf(png, false)), /cannot be decoded/],
    ["PNG of one pixel", small(1), /only 1 × 1 pixels/],
    ["JPEG of one pixel", await jpegOf(small(1)), /only 1 × 1 pixels/],
    ["PNG of 119 × 119", small(119), /only 119 × 119 pixels/],
    ["PNG of 120 × 700", picture({ width: 120, height: 700 }), /strip of 120 × 700 pixels/],
    ["JPEG of 52 megapixels", many, /more than 50 megapixels/],
    [
      "PNG of 30 megapixels",
      Buffer.concat([pngHeader(6000, 5000), pngChunk("IDAT", Buffer.alloc(99)), pngChunk("IEND", Buffer.of())]),
      /more than 25 megapixels/,
    ],
    ["PNG of 12 MB", pngWith(png, pngChunk("tEXt", Buffer.alloc(12e6, "x"))), /over the size limit/],
    [
      "JPEG of 900 scans",
      repeatLastScan(makeJpeg({ width, height, block: coded(codes.ycc), progressive: true }), 897),
      /too long to decode/,
    ],
    ["GIF", Buffer.from("GIF89a\x01\0\x01\0"), /not a PNG, JPEG or WebP/],
    ["PDF", Buffer.from("%PDF-1.4 made up"), /not a PNG, JPEG or WebP/],
    ["SVG", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /not a PNG, JPEG or WebP/],
    ["TIFF", Buffer.from("II*\0\x08\0\0\0"), /not a PNG, JPEG or WebP/],
    ["BMP", Buffer.from("BM made up"), /not a PNG, JPEG or WebP/],
    ["HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1"), /HEIC picture: convert it to JPEG/],
    ["AVIF", Buffer.from("\0\0\0\x18ftypavif\0\0\0\0mif1"), /AVIF picture: convert it to JPEG/],
    ["page", Buffer.from("<!doctype html><title>Sign in</title>"), /not a PNG, JPEG or WebP/],
    ["file without bytes", Buffer.of(), /the photo is empty/],
  ];
}

/** Pictures of all kinds that people upload, made up byte by byte. */
export async function corpus(): Promise<Sample[]> {
  const accepted = (await good()).map(([name, bytes, corners = upright, size = landscape]) => ({
    name,
    bytes,
    wanted: { corners, size },
  }));
  const refused = (await bad()).map(([name, bytes, why]) => ({ name, bytes, wanted: { refused: why } }));
  return [...accepted, ...refused];
}
