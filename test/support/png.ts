import { crc32, deflateSync, inflateSync } from "node:zlib";

export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

export interface PngOptions {
  width: number;
  height: number;
  /** 0–255 each. Kinds without colour take the red, kinds without alpha ignore it. */
  rgba(x: number, y: number): Rgba;
  /** How the pixels are kept; "rgba" unless told. A palette holds at most 256 different colours. */
  kind?: "rgba" | "rgb" | "grey" | "grey-alpha" | "palette";
  /** Bits a channel, 8 unless told; a palette has 8. */
  depth?: 8 | 16;
  /** Adam7. */
  interlaced?: boolean;
  /** zlib's level, 6 unless told. */
  level?: number;
}

const signature = Buffer.from("89504e470d0a1a0a", "hex");
const kinds = { grey: 0, rgb: 2, palette: 3, "grey-alpha": 4, rgba: 6 } as const;
/** First column and row, and steps, of Adam7's passes. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + data.byteLength);
  chunk.writeUInt32BE(data.byteLength);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.byteLength - 4);
  return chunk;
}

/** Width and height are 4 bytes each, so a header may claim more than there is. */
export function pngHeader(width: number, height: number, depth = 8, colour = 6, interlaced = false): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colour, 0, 0, Number(interlaced)]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([signature, pngChunk("IHDR", header)]);
}

/** A whole, valid PNG, made pixel by pixel. */
export function makePng(options: PngOptions): Buffer {
  const { width, height, rgba, kind = "rgba", depth = 8, interlaced = false, level = 6 } = options;
  const palette = new Map<string, { index: number; colour: Rgba }>();
  const indexOf = (colour: Rgba) => {
    const key = colour.join();
    const known = palette.get(key) ?? { index: palette.size, colour };
    palette.set(key, known);
    return known.index;
  };
  const channelsOf = (colour: Rgba): readonly number[] => {
    const [red, green, blue, alpha] = colour;
    if (kind === "palette") return [indexOf(colour)];
    if (kind === "grey") return [red];
    if (kind === "grey-alpha") return [red, alpha];
    return kind === "rgb" ? [red, green, blue] : colour;
  };
  const samples: number[] = [];
  for (const [left, top, stepX, stepY] of interlaced ? passes : ([[0, 0, 1, 1]] as const)) {
    if (left >= width) continue;
    for (let y = top; y < height; y += stepY) {
      samples.push(0);
      for (let x = left; x < width; x += stepX)
        for (const value of channelsOf(rgba(x, y)))
          if (depth === 16) samples.push(value, value);
          else samples.push(value);
    }
  }
  const colours = [...palette.values()].map(({ colour }) => colour);
  return Buffer.concat([
    pngHeader(width, height, depth, kinds[kind], interlaced),
    ...(kind === "palette"
      ? [
          pngChunk("PLTE", Buffer.from(colours.flatMap((colour) => colour.slice(0, 3)))),
          pngChunk("tRNS", Buffer.from(colours.map((colour) => colour[3]))),
        ]
      : []),
    pngChunk("IDAT", deflateSync(Buffer.from(samples), { level })),
    pngChunk("IEND", Buffer.of()),
  ]);
}

/** The pixels of any picture that Bun decodes, EXIF rotation applied. */
export async function pixelsOf(picture: Uint8Array) {
  const png = await new Bun.Image(picture).png({ compressionLevel: 0 }).buffer();
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const data: Buffer[] = [];
  for (let at = 8; at < png.byteLength; at += 12 + png.readUInt32BE(at))
    if (png.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const rows = inflateSync(Buffer.concat(data));
  const at = (x: number, y: number): Rgba => {
    const from = y * (width * 4 + 1) + 1 + x * 4;
    const [red = -1, green = -1, blue = -1, alpha = -1] = rows.subarray(from, from + 4);
    return [red, green, blue, alpha];
  };
  return { width, height, at };
}
