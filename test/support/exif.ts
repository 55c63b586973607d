import { pngChunk } from "./png.ts";

/** An EXIF block that says nothing but how the picture is to be turned. */
export function exifOf(orientation: number, byteOrder: "II" | "MM" = "MM"): Buffer {
  const big = Buffer.from("4d4d002a0000000800010112000300000001000000000000", "hex");
  big[19] = orientation;
  if (byteOrder === "MM") return big;
  const little = Buffer.from("49492a0008000000010012010300010000000000000000000000", "hex");
  little[18] = orientation;
  return little;
}

/** As the first segment, with what looks like the end of a thumbnail. */
export function jpegWithExif(jpeg: Buffer, exif: Buffer): Buffer {
  return jpegWith(jpeg, 0xe1, Buffer.concat([Buffer.from("Exif\0\0"), exif, Buffer.of(0xff, 0xd9)]));
}

export function jpegWith(jpeg: Buffer, marker: number, data: Buffer): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0]);
  header.writeUInt16BE(data.byteLength + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), header, data, jpeg.subarray(2)]);
}

/** Behind the header. */
export const pngWith = (png: Buffer, ...chunks: Buffer[]): Buffer =>
  Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);

export const pngWithExif = (png: Buffer, exif: Buffer): Buffer => pngWith(png, pngChunk("eXIf", exif));

interface Size {
  width: number;
  height: number;
}

function webpChunk(name: string, data: Buffer): Buffer {
  const header = Buffer.from(`${name}0000`);
  header.writeUInt32LE(data.byteLength, 4);
  return Buffer.concat([header, data, Buffer.alloc(data.byteLength & 1)]);
}

/** Three bytes for each. */
function edges({ width, height }: Size): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntLE(width - 1, 0, 3);
  bytes.writeUIntLE(height - 1, 3, 3);
  return bytes;
}

/** In the extended form. */
function webpOf(flags: number, size: Size, ...chunks: Buffer[]): Buffer {
  const extended = webpChunk("VP8X", Buffer.concat([Buffer.of(flags, 0, 0, 0), edges(size)]));
  const body = Buffer.concat([Buffer.from("WEBP"), extended, ...chunks]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(body.byteLength);
  return Buffer.concat([Buffer.from("RIFF"), bytes, body]);
}

/** A WebP of one chunk, with an EXIF block; there may be alpha. */
export const webpWithExif = (webp: Buffer, exif: Buffer, size: Size): Buffer =>
  webpOf(0x18, size, webp.subarray(12), webpChunk("EXIF", Buffer.concat([Buffer.from("Exif\0\0"), exif])));

/** Each frame a WebP of its own, of the same size. */
export function animatedWebp(frames: readonly Buffer[], size: Size): Buffer {
  const chunks = frames.map((webp) => {
    const picture = webp.toString("latin1", 12, 16) === "VP8X" ? webp.subarray(30) : webp.subarray(12);
    return webpChunk("ANMF", Buffer.concat([Buffer.alloc(6), edges(size), Buffer.of(100, 0, 0, 0), picture]));
  });
  return webpOf(0x12, size, webpChunk("ANIM", Buffer.alloc(6)), ...chunks);
}
