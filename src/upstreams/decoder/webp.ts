import { orientationIn } from "./exif.ts";
import type { Source } from "./source.ts";

/** n.b. Whether a WebP is complete is checked by the decoder. */
export function readWebp(photo: Buffer): Source {
  let orientation = 1;
  for (let at = 12; at + 8 <= photo.byteLength; ) {
    const end = at + 8 + photo.readUInt32LE(at + 4);
    if (photo.toString("latin1", at, at + 4) === "EXIF") orientation = orientationIn(photo.subarray(at + 8, end));
    at = end + (end & 1);
  }
  return { format: "webp", bytes: photo, opaque: false, orientation };
}
