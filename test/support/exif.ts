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

/** A WebP of one chunk, in the extended form that can hold an EXIF block. */
export function webpWithExif(webp: Buffer, exif: Buffer, { width, height }: { width: number; height: number }): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const header = Buffer.from(`${name}0000`);
    header.writeUInt32LE(data.byteLength, 4);
    return Buffer.concat([header, data, Buffer.alloc(data.byteLength & 1)]);
  };
  const extended = Buffer.alloc(10);
  // That there is EXIF, and alpha.
  extended[0] = 0x18;
  extended.writeUIntLE(width - 1, 4, 3);
  extended.writeUIntLE(height - 1, 7, 3);
  const body = Buffer.concat([
    Buffer.from("WEBP"),
    chunk("VP8X", extended),
    webp.subarray(12),
    chunk("EXIF", Buffer.concat([Buffer.from("Exif\0\0"), exif])),
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.byteLength);
  return Buffer.concat([Buffer.from("RIFF"), size, body]);
}
