/** Of 8×8 pixels, all of one colour: as many values as there are components. */
export type BlockColour = (x: number, y: number) => readonly number[];

export interface JpegOptions {
  /** In pixels, both divisible by 8. */
  width: number;
  height: number;
  /** One value is grey, three are YCbCr, four are CMYK, or YCCK where `adobe` is 2; each block is of one colour. */
  block: BlockColour;
  progressive?: boolean;
  /** A restart marker after this many blocks; none unless given. */
  restartAfter?: number;
  /** The transform that an Adobe marker names; without it there is no such marker. */
  adobe?: 0 | 1 | 2;
}

const segment = (marker: number, ...data: number[]) =>
  Buffer.from([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data]);
const word = (value: number) => [value >> 8, value & 255];
const start = Buffer.of(0xff, 0xd8);
const end = Buffer.of(0xff, 0xd9);

/** Sizes 0 to 8 as codes of four bits, and of the AC coefficients none (0) or no more for 32,767 blocks at most (10). */
const huffmanTables = Buffer.concat([
  segment(0xc4, 0x00, 0, 0, 0, 9, ...Array<number>(12).fill(0), 0, 1, 2, 3, 4, 5, 6, 7, 8),
  segment(0xc4, 0x10, 1, 1, ...Array<number>(14).fill(0), 0x00, 0xe0),
]);

/** The coded bits of a scan, stuffed and padded as a JPEG wants them. */
class Bits {
  readonly bytes: number[] = [];
  #pending = 0;
  #count = 0;

  put(value: number, length: number): void {
    for (let bit = length - 1; bit >= 0; bit--) {
      this.#pending = (this.#pending << 1) | ((value >> bit) & 1);
      if (++this.#count < 8) continue;
      this.bytes.push(this.#pending);
      if (this.#pending === 0xff) this.bytes.push(0);
      [this.#pending, this.#count] = [0, 0];
    }
  }

  pad(): void {
    while (this.#count > 0) this.put(1, 1);
  }

  restart(number: number): void {
    this.pad();
    this.bytes.push(0xff, 0xd0 + (number & 7));
  }
}

/** A whole, valid JPEG that no encoder at hand makes: of any number of components, with restart markers. */
export function makeJpeg(options: JpegOptions): Buffer {
  const { width, height, block, progressive = false, restartAfter = 0, adobe } = options;
  const components = Array.from(block(0, 0), (_, index) => index);
  const bits = new Bits();
  const last = components.map(() => 0);
  let blocks = 0;
  for (let y = 0; y < height; y += 8)
    for (let x = 0; x < width; x += 8) {
      if (restartAfter > 0 && blocks > 0 && blocks % restartAfter === 0) {
        bits.restart(blocks / restartAfter - 1);
        last.fill(0);
      }
      blocks++;
      for (const [index, value] of block(x, y).entries()) {
        const difference = value - 128 - (last[index] ?? 0);
        last[index] = value - 128;
        const size = 32 - Math.clz32(Math.abs(difference));
        bits.put(size, 4);
        bits.put(difference < 0 ? difference + (1 << size) - 1 : difference, size);
        if (!progressive) bits.put(0, 1);
      }
    }
  bits.pad();
  const selected = components.flatMap((index) => [index + 1, 0x00]);
  return Buffer.concat([
    start,
    ...(adobe === undefined ? [] : [segment(0xee, ...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, adobe)]),
    segment(0xdb, 0, ...Array<number>(64).fill(8)),
    segment(
      progressive ? 0xc2 : 0xc0,
      8,
      ...word(height),
      ...word(width),
      components.length,
      ...components.flatMap((index) => [index + 1, 0x11, 0]),
    ),
    huffmanTables,
    ...(restartAfter > 0 ? [segment(0xdd, ...word(restartAfter))] : []),
    segment(0xda, components.length, ...selected, 0, progressive ? 0 : 63, 0),
    Buffer.from(bits.bytes),
    ...(progressive ? components.map((index) => emptyScan(index, blocks, restartAfter)) : []),
    end,
  ]);
}

/** A progressive scan that says of a component's AC coefficients that all of them are nought. */
function emptyScan(component: number, blocks: number, restartAfter: number): Buffer {
  const bits = new Bits();
  const atOnce = restartAfter || 32_767;
  for (let [left, restarts] = [blocks, 0]; left > 0; left -= atOnce) {
    if (restartAfter > 0 && left < blocks) bits.restart(restarts++);
    const some = Math.min(left, atOnce);
    // A run of 2^14 + 14 bits of blocks; of fewer than 2^14 blocks each says for itself that it has no more.
    if (some >= 16_384) {
      bits.put(0b10, 2);
      bits.put(some - 16_384, 14);
    } else for (let index = 0; index < some; index++) bits.put(0, 1);
  }
  bits.pad();
  return Buffer.concat([segment(0xda, 1, component + 1, 0x00, 1, 63, 0), Buffer.from(bits.bytes)]);
}

/**
 * A progressive JPEG whose last scan is repeated as one that refines: a decoder goes over all the coefficients of its
 * component again each time, for a few bytes.
 */
export function repeatLastScan(progressive: Buffer, times: number): Buffer {
  const from = progressive.lastIndexOf(Buffer.of(0xff, 0xda));
  const scan = Buffer.from(progressive.subarray(from, -2));
  scan[9] = 0x10;
  return Buffer.concat([progressive.subarray(0, -2), ...Array<Buffer>(times).fill(scan), end]);
}
