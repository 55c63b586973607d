import { inflateSync } from "node:zlib";
import { pngChunks } from "./png.ts";

const headerBytes = 66;

/**
 * A PNG that Bun.Image made, on white, as a BMP of 32 bits a pixel: it takes no bare pixels, and its JPEG encoder drops
 * alpha. n.b. At compression level 0 it writes RGBA rows, each after a filter byte of 0, so nothing is to be unfiltered.
 */
export function onWhite(png: Buffer): Uint8Array {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data = [...pngChunks(png)].filter(({ type }) => type === "IDAT").map((chunk) => chunk.data);
  const rowBytes = width * 4;
  // In one piece, because every further piece is another copy.
  const rows = inflateSync(Buffer.concat(data), { chunkSize: 64 + height * (rowBytes + 1) });
  // The file begins at byte 2 of the buffer, so that its 32-bit numbers are aligned.
  const bitmap = new Uint8Array(new ArrayBuffer(2 + headerBytes + height * rowBytes), 2);
  const format = [40, width, -height, 1 | (32 << 16), 3, 0, 0, 0, 0, 0]; // minus: from the top down
  const masks = [0xff, 0xff00, 0xff0000];
  bitmap.set(Buffer.from("BM"));
  new Int32Array(bitmap.buffer, 4).set([bitmap.byteLength, 0, headerBytes, ...format, ...masks]);
  for (let row = 0; row < height; row++) {
    const from = row * (rowBytes + 1) + 1;
    bitmap.set(rows.subarray(from, from + rowBytes), headerBytes + row * rowBytes);
  }
  putOnWhite(new Uint32Array(bitmap.buffer, 2 + headerBytes));
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
