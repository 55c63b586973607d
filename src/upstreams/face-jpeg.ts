import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { crc32, inflate, type ZlibOptions } from "node:zlib";
import { reject } from "../errors.ts";
import type { Face } from "../people/types.ts";

const edgePixels = 640;
/** What HikCentral takes of a face, as JPEG. */
const [minBytes, maxBytes] = [20_000, 200_000];
const [quality, finest] = [90, 98];
const coarser = [80, 65, 50, 35, 20];

type Format = "png" | "jpeg" | "webp";
/** A large JPEG is decoded at a fraction of its size, the others whole: 4 bytes a pixel. */
const maxPixels: Record<Format, number> = { png: 25e6, jpeg: 50e6, webp: 25e6 };
/** The edge of what is flattened: above the final one, because lanczos comes after the flattening. */
const flattenEdge = 1600;

const unusable = (text: string, cause?: unknown) => reject("photo_unusable", text, { cause });

/**
 * A PNG, JPEG or WebP as a baseline RGB JPEG for HikCentral: EXIF rotation applied, transparency on white, long edge
 * at most 640 px, never enlarged, no metadata, 20–200 KB where the picture allows it. The heavy work is off the
 * event loop. Rejects with `photo_unusable`, also what a decoder would take: a damaged PNG, a JPEG without its end.
 */
export async function fit(bytes: Uint8Array): Promise<Face> {
  const photo = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = whole(photo);
  const opaque = isOpaque(photo, format);
  const png = await decode(photo, format, opaque);
  const flat = opaque ? png : await flatten(png);
  const encode = (level: number) =>
    new Bun.Image(flat)
      .resize(edgePixels, edgePixels, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: level })
      .buffer();
  let jpeg = await encode(quality);
  if (jpeg.byteLength < minBytes) jpeg = await encode(finest);
  for (const level of coarser) if (jpeg.byteLength > maxBytes) jpeg = await encode(level);
  return jpeg.toString("base64") as Face;
}

/** The format of a file that has all its bytes; a WebP's are counted by its decoder. */
function whole(photo: Buffer): Format {
  const starts = (magic: string, at = 0) => photo.toString("latin1", at, at + magic.length) === magic;
  if (photo.byteLength === 0) throw unusable("the photo is empty");
  if (starts("\x89PNG\r\n\x1a\n")) {
    const chunks = [...pngChunks(photo)];
    if (!chunks.every(({ sound }) => sound) || chunks.at(-1)?.type !== "IEND")
      throw unusable("the photo is a damaged PNG: upload it again in Eposh");
    return "png";
  }
  if (starts("\xff\xd8\xff")) {
    if (!hasEnd(photo)) throw unusable("the photo is an incomplete JPEG: upload it again in Eposh");
    return "jpeg";
  }
  if (starts("RIFF") && starts("WEBP", 8)) return "webp";
  throw unusable("the photo is not a PNG, JPEG or WebP");
}

/** Up to IEND or the end of the bytes; what follows IEND is legal and not looked at. */
function* pngChunks(png: Buffer) {
  for (let at = 8; at + 12 <= png.byteLength; ) {
    const end = at + 8 + png.readUInt32BE(at);
    const sound = end + 4 <= png.byteLength && crc32(png.subarray(at + 4, end)) === png.readUInt32BE(end);
    const type = png.toString("latin1", at + 4, at + 8);
    yield { type, data: png.subarray(at + 8, end), sound };
    if (type === "IEND") return;
    at = end + 4;
  }
}

/** Whether the picture ends, whatever follows it. A thumbnail's end, inside a segment, is not the picture's. */
function hasEnd(jpeg: Buffer): boolean {
  for (let at = 2; at + 4 <= jpeg.byteLength; ) {
    const marker = jpeg[at] === 0xff ? jpeg[at + 1] : 0xff;
    // In the scans an ff of the picture's own is always followed by 00.
    if (marker === 0xda) return jpeg.includes("\xff\xd9", at, "latin1");
    at += marker === 0xff ? 1 : 2 + jpeg.readUInt16BE(at + 2);
  }
  return false;
}

/** As an uncompressed PNG, no larger than what is needed from here on. */
async function decode(photo: Buffer, format: Format, opaque: boolean): Promise<Buffer> {
  // n.b. Bun's resize mixes the hidden colour of transparent pixels into their neighbours. "nearest" mixes nothing.
  const [edge, filter] = opaque ? [edgePixels, undefined] : [flattenEdge, "nearest" as const];
  try {
    return await new Bun.Image(photo, { maxPixels: maxPixels[format] })
      .resize(edge, edge, { fit: "inside", withoutEnlargement: true, ...(filter && { filter }) })
      .png({ compressionLevel: 0 })
      .buffer();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ERR_IMAGE_TOO_MANY_PIXELS")
      throw unusable(`the photo has more than ${maxPixels[format] / 1e6} megapixels`, error);
    if (code.startsWith("ERR_IMAGE")) throw unusable(`the photo cannot be decoded (${code})`, error);
    throw error;
  }
}

/** Where this is not certain: false. In a PNG's colour type 4 is the bit for alpha. */
function isOpaque(photo: Buffer, format: Format): boolean {
  if (format === "png") return ((photo[25] ?? 4) & 4) === 0 && !photo.includes("tRNS");
  return format === "jpeg";
}

const headerBytes = 66;
const rowsAtATime = 200;

/**
 * On white, as a BMP of 32 bits a pixel, because Bun.Image takes no bare pixels and its JPEG encoder drops alpha.
 * n.b. At compression level 0 it writes RGBA rows, each after a filter byte of 0, so nothing has to be unfiltered.
 */
async function flatten(png: Buffer): Promise<Uint8Array> {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data = [...pngChunks(png)].filter(({ type }) => type === "IDAT").map((chunk) => chunk.data);
  const rowBytes = width * 4;
  // In one piece: each piece is a turn of the event loop and is copied once more.
  const chunkSize = 64 + height * (rowBytes + 1);
  const rows = await promisify<Buffer, ZlibOptions, Buffer>(inflate)(Buffer.concat(data), { chunkSize });
  // It begins at byte 2, which puts all of its 32-bit numbers where an array of them can be laid.
  const bitmap = new Uint8Array(new ArrayBuffer(2 + headerBytes + height * rowBytes), 2);
  const format = [40, width, -height, 1 | (32 << 16), 3, 0, 0, 0, 0, 0]; // minus: from the top down
  const masks = [0xff, 0xff00, 0xff0000];
  bitmap.set(Buffer.from("BM"));
  new Int32Array(bitmap.buffer, 4).set([bitmap.byteLength, 0, headerBytes, ...format, ...masks]);
  for (let top = 0; top < height; top += rowsAtATime) {
    const bottom = Math.min(top + rowsAtATime, height);
    for (let row = top; row < bottom; row++) {
      const from = row * (rowBytes + 1) + 1;
      bitmap.set(rows.subarray(from, from + rowBytes), headerBytes + row * rowBytes);
    }
    putOnWhite(new Uint32Array(bitmap.buffer, 2 + headerBytes + top * rowBytes, (bottom - top) * width));
    await nextTurn();
  }
  return bitmap;
}

/** n.b. A closure for the three colours takes four times as long. */
function putOnWhite(pixels: Uint32Array): void {
  for (let index = 0; index < pixels.length; index++) {
    const pixel = pixels[index] ?? 0;
    const alpha = pixel >>> 24;
    if (alpha === 255) continue;
    const white = 255 * (255 - alpha) + 127;
    const red = ((pixel & 255) * alpha + white) / 255;
    const green = (((pixel >>> 8) & 255) * alpha + white) / 255;
    const blue = (((pixel >>> 16) & 255) * alpha + white) / 255;
    pixels[index] = red | (green << 8) | (blue << 16) | 0xff000000;
  }
}
