import { hasAllRows } from "./jpeg-rows.ts";
import { type Source, unusable } from "./source.ts";

/**
 * For each scan, even one of a few bytes, a decoder goes over the whole picture. Encoders make 10 to 20 scans: with more
 * than these, or with so many pixels in all of them, a small file keeps a decoder busy for seconds or minutes.
 */
const maxScans = 100;
const maxScannedPixels = 1e9;

interface Layout {
  /** Where the coded pixels end. */
  rowsEnd: number;
  /** The restart marker that would come next there. */
  nextRestart: number;
  hasEndMarker: boolean;
  scans: number;
  pixels: number;
  /** Whether each component's coefficients were given to their last bit. */
  isFinished: boolean;
}

/** Refuses a JPEG whose picture is cut, or that would keep a decoder busy. What follows its end is ignored. */
export function readJpeg(photo: Buffer): Source {
  const layout = layoutOf(photo);
  const { rowsEnd, hasEndMarker, scans, pixels, isFinished } = layout;
  if (rowsEnd === 0 || (!hasEndMarker && !isFinished)) throw incomplete();
  if (scans > maxScans || scans * pixels > maxScannedPixels)
    throw unusable(`the photo takes too long to decode (${scans} scans): upload another one in Eposh`);
  return {
    format: "jpeg",
    bytes: hasEndMarker ? photo : Buffer.concat([photo.subarray(0, rowsEnd), endMarker]),
    opaque: true,
    orientation: 1,
    otherEnd: () => (hasAllRows(photo) ? undefined : otherEndOf(photo, layout)),
  };
}

export const incomplete = () => unusable("the photo is an incomplete JPEG: upload it again in Eposh");

const endMarker = Buffer.from("ffd9", "hex");

/** Holds no ff, which would start a marker. */
const noise = Buffer.from(Array.from({ length: 64 }, (_, index) => ((index + 1) * 97) % 251));

/**
 * With bytes behind the last row. A decoder that still lacks rows silently takes these bytes for pixels; one that has all
 * rows skips them. Twice, because a decoder that waits for a restart marker skips everything before the marker.
 */
export function otherEndOf(photo: Buffer, { rowsEnd, nextRestart } = layoutOf(photo)): Buffer {
  return Buffer.concat([photo.subarray(0, rowsEnd), noise, Buffer.of(0xff, nextRestart), noise, endMarker]);
}

function layoutOf(jpeg: Buffer): Layout {
  const layout: Layout = {
    rowsEnd: 0,
    nextRestart: firstRestart,
    hasEndMarker: false,
    scans: 0,
    pixels: 0,
    isFinished: false,
  };
  /** By component, the coefficients that are not yet known to their last bit. */
  const unfinished = new Map<number, Set<number>>();
  for (let at = 2; at + 2 <= jpeg.byteLength; ) {
    const marker = jpeg[at] === 0xff ? (jpeg[at + 1] ?? 0) : 0xff;
    if (marker === 0xd9) {
      layout.hasEndMarker = true;
      break;
    }
    if (marker === 0xff) at++;
    else if (isRestart(marker)) at += 2;
    else if (at + 4 > jpeg.byteLength) break;
    else {
      const segment = jpeg.subarray(at + 4, at + 2 + jpeg.readUInt16BE(at + 2));
      at += 4 + segment.byteLength;
      if (isFrame(marker) && segment.byteLength >= 6) {
        layout.pixels = segment.readUInt16BE(1) * segment.readUInt16BE(3);
        for (let index = 6; index < segment.byteLength; index += 3)
          unfinished.set(segment[index] ?? 0, new Set(Array(64).keys()));
      } else if (marker === 0xda && at < jpeg.byteLength) {
        layout.scans++;
        finish(unfinished, segment);
        ({ end: at, nextRestart: layout.nextRestart } = endOfScan(jpeg, at));
        layout.rowsEnd = at;
      }
    }
  }
  layout.isFinished = [...unfinished.values()].every(({ size }) => size === 0);
  return layout;
}

const [firstRestart, lastRestart] = [0xd0, 0xd7];
const isRestart = (marker: number) => marker >= firstRestart && marker <= lastRestart;
export const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** The header of a scan: its components, the range of its coefficients, and how many of their bits are still to come. */
function finish(unfinished: Map<number, Set<number>>, header: Buffer): void {
  const [count = 0] = header;
  const [first = 0, last = 0, approximation = 0] = header.subarray(1 + 2 * count);
  if ((approximation & 15) > 0) return;
  for (let index = 0; index < count; index++)
    for (let coefficient = first; coefficient <= last; coefficient++)
      unfinished.get(header[1 + 2 * index] ?? 0)?.delete(coefficient);
}

/** A scan ends at the next marker. n.b. Within a scan an ff is always followed by 00. */
export function endOfScan(jpeg: Buffer, start: number): { end: number; nextRestart: number } {
  let nextRestart = firstRestart;
  for (let at = jpeg.indexOf(0xff, start); at !== -1; at = jpeg.indexOf(0xff, at + 1)) {
    const next = jpeg[at + 1];
    if (next === 0 || next === 0xff) continue;
    if (next === undefined || !isRestart(next)) return { end: at, nextRestart };
    nextRestart = next === lastRestart ? firstRestart : next + 1;
  }
  return { end: jpeg.byteLength, nextRestart };
}
