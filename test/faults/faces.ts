import { lightPortrait } from "../support/portraits.ts";

/** The header of a JPEG holds its density in four bytes after these, which no decoder cares for. */
const densityIn = (jpeg: Buffer) => jpeg.indexOf("JFIF\0") + 8;

/** A photo that tells whose it is also when HikCentral has it. */
export function portraitOf(stamp: number): Uint8Array {
  const jpeg = Buffer.from(lightPortrait(stamp));
  jpeg.writeUInt32BE(stamp, densityIn(jpeg));
  return jpeg;
}

/** What it was made of. */
export function stampIn(picture: Uint8Array): number {
  const jpeg = Buffer.from(picture);
  return jpeg.readUInt32BE(densityIn(jpeg));
}
