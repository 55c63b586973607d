import { orientationIn } from "./exif.ts";
import type { Source } from "./source.ts";

/** Before the chunks of a frame: its place, size, duration and flags. */
const frameHeaderBytes = 16;

/** n.b. Whether a WebP is complete is checked by the decoder. */
export function readWebp(photo: Buffer): Source {
  let orientation = 1;
  let bytes = photo;
  const types = new Set<string>();
  for (let at = 12; at + 8 <= photo.byteLength; ) {
    const end = at + 8 + photo.readUInt32LE(at + 4);
    const [type, data] = [photo.toString("latin1", at, at + 4), photo.subarray(at + 8, end)];
    types.add(type);
    if (type === "EXIF") orientation = orientationIn(data);
    if (type === "ANMF" && bytes === photo && data.length > frameHeaderBytes) bytes = stillOf(data);
    at = end + (end & 1);
  }
  // A lossy picture without a chunk of alpha; a lossless one may have alpha inside.
  const opaque = types.has("VP8 ") && !types.has("ALPH");
  return { format: "webp", bytes, opaque, orientation };
}

/** n.b. Bun.Image decodes no animation: the first frame as a picture of its own. */
function stillOf(frame: Buffer): Buffer {
  const chunks = frame.subarray(frameHeaderBytes);
  const hasAlpha = chunks.toString("latin1", 0, 4) === "ALPH";
  const extended = Buffer.from("VP8X\x0a\0\0\0\x10\0\0\0", "latin1");
  const body = [Buffer.from("WEBP"), ...(hasAlpha ? [extended, frame.subarray(6, 12)] : []), chunks];
  const header = Buffer.from("RIFF\0\0\0\0", "latin1");
  header.writeUInt32LE(
    body.reduce((sum, { length }) => sum + length, 0),
    4,
  );
  return Buffer.concat([header, ...body]);
}
