import { deflateSync } from "node:zlib";
import { randomFrom } from "./fault-server.ts";

const signature = Buffer.from("89504e470d0a1a0a", "hex");

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length);
  framed.set(body, 4);
  framed.writeUInt32BE(Bun.hash.crc32(body), body.length + 4);
  return framed;
}

function png(width: number, height: number, depth: number, colour: number, pixels: Uint8Array, text: string): Buffer {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colour, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const comment = chunk("tEXt", Buffer.from(`Comment\0${text}`));
  return Buffer.concat([signature, chunk("IHDR", header), comment, chunk("IDAT", pixels), chunk("IEND", Buffer.of())]);
}

const [width, height] = [300, 400];

/** Head and shoulders on transparency, with enough texture to be as heavy as a photo. Deflated: one for each jacket. */
function draw(jacket: number): Buffer {
  const rows = Buffer.alloc(height * (width * 4 + 1));
  const random = randomFrom(jacket);
  const grains = Int8Array.from({ length: 150 * 200 }, () => random() * 48 - 24);
  const within = (x: number, y: number, radiusX: number, radiusY: number) =>
    (x / radiusX) ** 2 + (y / radiusY) ** 2 < 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const head = within(x - 150, y - 150, 75, 100);
      if (!head && !within(x - 150, y - 427, 140, 167)) continue;
      const grain = grains[(x >> 1) + (y >> 1) * 150] ?? 0;
      const [red, green, blue] = head ? [196, 150, 120] : [60 + 25 * jacket, 90, 210 - 25 * jacket];
      rows.set([red + grain, green + grain, blue + grain, 255], y * (width * 4 + 1) + 1 + x * 4);
    }
  return deflateSync(rows, { level: 6 });
}

const jackets: Buffer[] = [];

/** A person's own photo: PNG with transparency, 300×400. n.b. Drawn once per jacket, or it would eat the demo's CPU. */
export function portrait(stamp: number, text = `${stamp}`): Buffer {
  const jacket = stamp % 6;
  jackets[jacket] ??= draw(jacket);
  return png(width, height, 8, 6, jackets[jacket], text);
}

/** What may be behind a link instead of a photo. */
export const wrecks: Record<string, (stamp: number) => Uint8Array | Promise<Uint8Array>> = {
  huge: (stamp) => Buffer.concat([portrait(stamp), Buffer.alloc(20_000_000)]),
  bomb: (stamp) => png(20_000, 20_000, 1, 0, deflateSync(Buffer.alloc(20_000 * 2501)), `${stamp}`),
  page: () => Buffer.from("<!doctype html><h1>Sign in</h1>"),
  damaged: (stamp) => portrait(stamp).fill(0x55, 20_000, 20_001),
  endless: async (stamp) => (await new Bun.Image(portrait(stamp)).jpeg({ quality: 80 }).bytes()).subarray(0, -4000),
};
