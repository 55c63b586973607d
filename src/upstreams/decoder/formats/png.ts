import { crc32 } from "node:zlib";
import { orientationIn } from "./exif.ts";
import { type Source, unusable } from "./source.ts";

export const pngSignature = Buffer.from("89504e470d0a1a0a", "hex");

interface Chunk {
  type: string;
  data: Buffer;
  /** The whole chunk: length, type, data and checksum. */
  bytes: Buffer;
  /** Whether the chunk is complete and its checksum is right. */
  sound: boolean;
}

/** Refuses a PNG that is cut or damaged. A comment whose checksum is wrong is left out, as viewers do. */
export function readPng(photo: Buffer): Source {
  const chunks = [...pngChunks(photo)];
  if (chunks.at(-1)?.type !== "IEND" || chunks.some(({ sound, type }) => !sound && isCritical(type)))
    throw unusable("the photo is a damaged PNG: upload it again in Eposh");
  const exif = chunks.find(({ sound, type }) => sound && type === "eXIf");
  const bytes = withoutMetadata(chunks);
  return {
    format: "png",
    bytes,
    // In the colour type 4 is the bit for alpha.
    opaque: ((bytes[25] ?? 4) & 4) === 0 && !bytes.includes("tRNS"),
    orientation: orientationIn(exif?.data ?? Buffer.of()),
  };
}

/** Up to IEND or the end of the bytes; bytes after IEND are legal and ignored. */
export function* pngChunks(png: Buffer): Generator<Chunk> {
  for (let at = pngSignature.byteLength; at + 12 <= png.byteLength; ) {
    const end = at + 8 + png.readUInt32BE(at);
    const sound = end + 4 <= png.byteLength && crc32(png.subarray(at + 4, end)) === png.readUInt32BE(end);
    const type = png.toString("latin1", at + 4, at + 8);
    yield { type, data: png.subarray(at + 8, end), bytes: png.subarray(at, end + 4), sound };
    if (type === "IEND") return;
    at = end + 4;
  }
}

/** n.b. Bun.Image keeps a colour profile of any size. */
export function withoutMetadata(chunks: Iterable<Chunk>): Buffer {
  const kept = [...chunks].filter(({ sound, type }) => isCritical(type) || (sound && type === "tRNS"));
  return Buffer.concat([pngSignature, ...kept.map(({ bytes }) => bytes)]);
}

/** A chunk whose type begins with a capital letter is required to show the picture. */
const isCritical = (type: string) => /^[A-Z]/.test(type);
