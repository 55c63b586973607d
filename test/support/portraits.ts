import { portrait } from "../../src/simulator/pictures.ts";

/** The simulators' own: six of them, told apart by a comment. */
const jackets = await Promise.all(
  Array.from({ length: 6 }, (_, jacket) => new Bun.Image(portrait(jacket)).jpeg({ quality: 90 }).buffer()),
);

/**
 * A person's own photo as a JPEG that HikCentral takes as it is. To put a PNG on white costs four times as much; the
 * demo, test/photos/ and test/decoder.test.ts are about that.
 */
export function lightPortrait(stamp: number): Uint8Array {
  const jpeg = jackets[stamp % jackets.length] ?? Buffer.of();
  const text = Buffer.from(`${stamp}`);
  const comment = Buffer.from([0xff, 0xfe, 0, 2 + text.length, ...text]);
  return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
}
