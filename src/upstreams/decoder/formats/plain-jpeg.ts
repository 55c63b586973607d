import { orientationIn } from "./exif.ts";
import { endOfScan, isFrame } from "./jpeg.ts";
import type { Source } from "./source.ts";

const [app0, app1, app2, app14, app15, comment] = [0xe0, 0xe1, 0xe2, 0xee, 0xef, 0xfe];
const [baseline, startOfScan, endOfImage] = [0xc0, 0xda, 0xd9];

/**
 * A JPEG as it is, but for its metadata, where every decoder shows it alike: baseline, in one scan, upright, of the three
 * ordinary components, without a colour profile. Undefined for any other.
 */
export function plainJpeg({ format, bytes: jpeg }: Pick<Source, "format" | "bytes">): Buffer | undefined {
  if (format !== "jpeg") return undefined;
  const kept = [jpeg.subarray(0, 2)];
  for (let at = 2; at + 4 <= jpeg.byteLength; ) {
    const marker = jpeg[at] === 0xff ? (jpeg[at + 1] ?? 0) : 0;
    if (marker < baseline || marker === 0xff) return undefined;
    const segment = jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2));
    at += segment.byteLength;
    const content = segment.subarray(4);
    if (!isOrdinary(marker, content)) return undefined;
    const isMetadata = (marker >= app1 && marker <= app15) || marker === comment;
    if (!isMetadata) kept.push(segment);
    if (marker !== startOfScan) continue;
    const { end } = endOfScan(jpeg, at);
    if (jpeg[end] !== 0xff || jpeg[end + 1] !== endOfImage) return undefined;
    return Buffer.concat([...kept, jpeg.subarray(at, end + 2)]);
  }
  return undefined;
}

function isOrdinary(marker: number, content: Buffer): boolean {
  const starts = (text: string) => content.toString("latin1", 0, text.length) === text;
  // A thumbnail's edges are the last two bytes of the header.
  if (marker === app0) return starts("JFIF\0") && content.byteLength === 14 && content.readUInt16BE(12) === 0;
  if (marker === app1) return !starts("Exif\0\0") || orientationIn(content) === 1;
  if (marker === app2) return !starts("ICC_PROFILE\0");
  if (marker === app14) return false;
  if (!isFrame(marker)) return true;
  const [bits, components] = [content[0], content[5]];
  return (
    marker === baseline && bits === 8 && components === 3 && [6, 9, 12].every((at, index) => content[at] === index + 1)
  );
}
