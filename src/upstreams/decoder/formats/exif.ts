const upright = 1;
const orientationTag = 0x0112;

/** The orientation in an EXIF block, 1 to 8, that of its first directory; 1 where it gives none. */
export function orientationIn(exif: Buffer): number {
  // Some write the header of a JPEG's segment into the other formats too.
  const tiff = exif.toString("latin1", 0, 6) === "Exif\0\0" ? exif.subarray(6) : exif;
  const isLittle = tiff.toString("latin1", 0, 2) === "II";
  const word = (at: number) => (at + 2 > tiff.length ? 0 : isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const directory = tiff.length < 8 ? 0 : isLittle ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4);
  for (let entry = 0; entry < word(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    if (word(at) !== orientationTag) continue;
    const value = word(at + 8);
    return value >= 1 && value <= 8 ? value : upright;
  }
  return upright;
}

/** Turns by quarters clockwise, then mirrors. */
export function turned(image: Bun.Image, orientation: number): Bun.Image {
  const quarters = [0, 0, 0, 2, 0, 1, 1, 1, 3][orientation] ?? 0;
  const rotated = quarters === 0 ? image : image.rotate(90 * quarters);
  if (orientation === 2 || orientation === 5) return rotated.flop();
  if (orientation === 4 || orientation === 7) return rotated.flip();
  return rotated;
}
