import { turned } from "./formats/exif.ts";
import { incomplete, readJpeg } from "./formats/jpeg.ts";
import { onWhite } from "./formats/on-white.ts";
import { plainJpeg } from "./formats/plain-jpeg.ts";
import { pngChunks, readPng, withoutMetadata } from "./formats/png.ts";
import { type Source, unusable } from "./formats/source.ts";
import { readWebp } from "./formats/webp.ts";

const edgePixels = 640;
/** Shows missing rows; a decoder skips most of the work for it. */
const checkEdgePixels = edgePixels / 4;
/** With fewer pixels a face cannot be recognised. */
const minEdgePixels = 120;
/** The long edge is made to fit: of a strip nothing would be left. */
const maxRatio = 5;
/** What HikCentral takes of a face, as JPEG. */
const [minBytes, maxBytes] = [20_000, 200_000];
const [quality, finest] = [90, 98];
const coarser = [80, 65, 50, 35, 20];

/** A large JPEG is decoded at a fraction of its size, the others whole: 4 bytes a pixel. */
const maxPixels: Record<Source["format"], number> = { png: 25e6, jpeg: 50e6, webp: 25e6 };
/** The edge of the picture that is put on white: larger than the final one, because lanczos comes after it. */
const whiteEdgePixels = 1600;

/**
 * A PNG, JPEG or WebP as a baseline RGB JPEG for HikCentral: EXIF orientation applied, transparency on white, long edge
 * at most 640 px, never enlarged, no metadata, 20–200 KB where the picture allows it. A JPEG that is all of that already
 * is not encoded again. Rejects with `photo_unusable`,
 * also photos that a decoder would accept: a damaged PNG, a JPEG with missing rows, a picture that is too small.
 */
export async function fit(photo: Uint8Array): Promise<Buffer> {
  const source = read(Buffer.from(photo.buffer, photo.byteOffset, photo.byteLength));
  const { width, height } = await checkSize(source);
  const plain = Math.max(width, height) <= edgePixels ? plainJpeg(source) : undefined;
  const isFit = plain !== undefined && plain.byteLength >= minBytes && plain.byteLength <= maxBytes;
  const edge = isFit ? checkEdgePixels : edgePixels;
  const png = await decode(source, edge);
  const otherEnd = source.otherEnd?.();
  if (otherEnd && !png.equals(await decode({ ...source, bytes: otherEnd }, edge))) throw incomplete();
  if (isFit) return plain;
  const flat = source.opaque ? withoutMetadata(pngChunks(png)) : onWhite(png);
  const encode = (level: number) =>
    turned(new Bun.Image(flat), source.orientation)
      .resize(edgePixels, edgePixels, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: level })
      .buffer();
  let jpeg = await encode(quality);
  if (jpeg.byteLength < minBytes) jpeg = await encode(finest);
  for (const level of coarser) if (jpeg.byteLength > maxBytes) jpeg = await encode(level);
  return jpeg;
}

const convert = "convert it to JPEG and upload that in Eposh";

function read(photo: Buffer): Source {
  const starts = (magic: string, at = 0) => photo.toString("latin1", at, at + magic.length) === magic;
  if (photo.byteLength === 0) throw unusable("the photo is empty");
  if (starts("\x89PNG\r\n\x1a\n")) return readPng(photo);
  if (starts("\xff\xd8\xff")) return readJpeg(photo);
  if (starts("RIFF") && starts("WEBP", 8)) return readWebp(photo);
  const brand = starts("ftyp", 4) ? photo.toString("latin1", 8, 11) : "";
  if (/^(hei|hev|mif|msf)/.test(brand)) throw unusable(`the photo is a HEIC picture: ${convert}`);
  if (brand === "avi") throw unusable(`the photo is an AVIF picture: ${convert}`);
  throw unusable("the photo is not a PNG, JPEG or WebP");
}

async function checkSize(source: Source): Promise<{ width: number; height: number }> {
  const { width, height } = await imageOf(source, (image) => image.metadata());
  if (Math.min(width, height) < minEdgePixels)
    throw unusable(
      `the photo has only ${width} × ${height} pixels: upload one of at least ${minEdgePixels} × ${minEdgePixels} in Eposh`,
    );
  if (Math.max(width, height) > maxRatio * Math.min(width, height))
    throw unusable(`the photo is a strip of ${width} × ${height} pixels: upload a portrait in Eposh`);
  return { width, height };
}

/** The photo as an uncompressed PNG, no larger than the next steps need. */
function decode(source: Source, opaqueEdge: number): Promise<Buffer> {
  // n.b. Bun's resize mixes the hidden colour of transparent pixels into their neighbours. "nearest" mixes nothing.
  const [edge, filter] = source.opaque ? [opaqueEdge, undefined] : [whiteEdgePixels, "nearest" as const];
  const size = { fit: "inside", withoutEnlargement: true, ...(filter && { filter }) } as const;
  return imageOf(source, (image) => image.resize(edge, edge, size).png({ compressionLevel: 0 }).buffer());
}

async function imageOf<Made>({ bytes, format }: Source, make: (image: Bun.Image) => Promise<Made>): Promise<Made> {
  try {
    return await make(new Bun.Image(bytes, { maxPixels: maxPixels[format] }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ERR_IMAGE_TOO_MANY_PIXELS")
      throw unusable(`the photo has more than ${maxPixels[format] / 1e6} megapixels`, error);
    if (code.startsWith("ERR_IMAGE")) throw unusable(`the photo cannot be decoded (${code})`, error);
    throw error;
  }
}
