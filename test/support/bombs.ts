import { deflateSync } from "node:zlib";
import { makeJpeg, repeatLastScan } from "./jpeg.ts";
import { pngChunk, pngHeader } from "./png.ts";

/** Small files that would keep a decoder busy for a long time, or fill its memory: JPEG, PNG, JPEG and WebP. */
export function bombs(): Buffer[] {
  const block = (x: number, y: number) => [(x ^ y) & 255, 128, 128];
  const jpeg = makeJpeg({ width: 1024, height: 1024, block, progressive: true });
  return [repeatLastScan(jpeg, 900), pngBomb(), repeatLastScan(jpeg, 2000), webpBomb()];
}

/** 400 megapixels in 50 KB. */
function pngBomb(): Buffer {
  const pixels = deflateSync(Buffer.alloc(20_000 * 2501));
  const chunks = [pngChunk("IDAT", pixels), pngChunk("IEND", Buffer.of())];
  return Buffer.concat([pngHeader(20_000, 20_000, 1, 0), ...chunks]);
}

/** The header of a lossless WebP of 16,384 × 16,384 pixels, and no more of it than that. */
function webpBomb(): Buffer {
  const webp = Buffer.alloc(40);
  webp.write("RIFF");
  webp.writeUInt32LE(32, 4);
  webp.write("WEBPVP8L", 8);
  webp.writeUInt32LE(20, 16);
  webp[20] = 0x2f;
  // Width and height, less one, in 14 bits each.
  webp.writeUInt32LE(16_383 + 16_383 * 2 ** 14, 21);
  return webp;
}
