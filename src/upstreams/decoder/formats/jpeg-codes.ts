/** By the next 16 bits of a scan: the symbol and the length of its code in the low bits; 0 where no code begins so. */
export type Table = Uint16Array;
const [lengthBits, lengthMask] = [5, 31];
const blockSize = 64;

/** Of each block the coefficients that are not nought, one bit each: two words a block. */
export type Coefficients = Uint32Array;

export interface Coded {
  /** n.b. With so many more behind them that no block reads over their end. */
  readonly bytes: DataView;
  readonly bits: number;
}

/** Reads so many units (blocks, or groups of them) from the one with that number on; false where they are not all there. */
export type Reader = (coded: Coded, from: number, count: number) => boolean;

/** How many codes there are of 1 to 16 bits, then what each of them stands for. */
export function* definitionsIn(content: Buffer): Generator<[name: number, Table]> {
  for (let at = 0; at + 17 <= content.byteLength; ) {
    const codes = content.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0);
    yield [content[at] ?? 0, tableOf(content.subarray(at + 1, at + 17 + codes))];
    at += 17 + codes;
  }
}

function tableOf(definition: Buffer): Table {
  const table: Table = new Uint16Array(1 << 16);
  let [from, at] = [0, 16];
  for (const [index, count] of definition.subarray(0, 16).entries())
    for (let code = 0; code < count; code++) {
      const until = from + (1 << (15 - index));
      table.fill(((definition[at++] ?? 0) << lengthBits) | (index + 1), from, until);
      from = until;
    }
  return table;
}

/** A code of a DC coefficient stands for the length of its value. One of AC coefficients: see `refining`. */
const symbolOf = (entry: number) => entry >> lengthBits;

/** The first of several scans, or the only one: of each block of a group the DC coefficient, and all others with `ac`. */
export const sequential =
  (blocks: readonly { dc: Table; ac?: Table | undefined }[]): Reader =>
  ({ bytes, bits }, _, count) => {
    let at = 0;
    const next = (table: Table) => table[(bytes.getInt32(at >> 3) << (at & 7)) >>> 16] ?? 0;
    for (let group = 0; group < count; group++) {
      for (const { dc, ac } of blocks) {
        const entry = next(dc);
        if (entry === 0) return false;
        at += (entry & lengthMask) + symbolOf(entry);
        for (let coefficient = 1; ac && coefficient < blockSize; coefficient++) {
          const entry = next(ac);
          if (entry === 0) return false;
          const [run, size] = [entry >> (lengthBits + 4), symbolOf(entry) & 15];
          at += (entry & lengthMask) + size;
          if (size === 0 && run < 15) break;
          coefficient += run;
        }
      }
      if (at > bits) return false;
    }
    return true;
  };

/** One more bit of each DC coefficient. */
export const refiningDc =
  (blocks: number): Reader =>
  ({ bits }, _, count) =>
    count * blocks <= bits;

export interface Band {
  readonly first: number;
  readonly last: number;
  readonly table: Table;
  readonly known: Coefficients;
}

/**
 * The first of several scans for these AC coefficients of one component. A symbol is how many noughts come first and, in
 * its low 4 bits, how long the value is; without a value it ends the band of this block and of many more.
 */
export const firstBand =
  ({ first, last, table, known }: Band): Reader =>
  ({ bytes, bits }, from, count) => {
    let at = 0;
    const next = () => (bytes.getInt32(at >> 3) << (at & 7)) >>> 16;
    for (let block = from; block < from + count; block++) {
      for (let coefficient = first; coefficient <= last; coefficient++) {
        const entry = table[next()] ?? 0;
        if (entry === 0) return false;
        at += entry & lengthMask;
        const [run, size] = [entry >> (lengthBits + 4), symbolOf(entry) & 15];
        if (size === 0 && run < 15) {
          block += (1 << run) - 1 + (next() >> (16 - run));
          at += run;
          break;
        }
        at += size;
        coefficient += run;
        if (size === 0) continue;
        if (coefficient > last) return false;
        const word = 2 * block + (coefficient >> 5);
        known[word] = (known[word] ?? 0) | (1 << (coefficient & 31));
      }
      if (at > bits) return false;
    }
    return true;
  };

/** One more bit of these AC coefficients: of each that is known not to be nought, wherever the codes between pass it. */
export const refiningBand =
  ({ first, last, table, known }: Band): Reader =>
  ({ bytes, bits }, from, count) => {
    let at = 0;
    let ended = 0;
    const next = () => (bytes.getInt32(at >> 3) << (at & 7)) >>> 16;
    for (let block = 2 * from; block < 2 * (from + count); block += 2) {
      let coefficient = first;
      while (ended === 0 && coefficient <= last) {
        const entry = table[next()] ?? 0;
        if (entry === 0) return false;
        at += entry & lengthMask;
        let noughts = entry >> (lengthBits + 4);
        const size = symbolOf(entry) & 15;
        if (size > 1) return false;
        if (size === 0 && noughts < 15) {
          ended = (1 << noughts) + (next() >> (16 - noughts));
          at += noughts;
          break;
        }
        at += size;
        for (; coefficient <= last; coefficient++) {
          if (((known[block + (coefficient >> 5)] ?? 0) >>> (coefficient & 31)) & 1) at++;
          else if (--noughts < 0) break;
        }
        if (coefficient > last && size > 0) return false;
        const word = block + (coefficient >> 5);
        if (size > 0) known[word] = (known[word] ?? 0) | (1 << (coefficient & 31));
        coefficient++;
      }
      if (ended > 0) {
        ended--;
        at += onesIn((known[block] ?? 0) & between(coefficient, last));
        at += onesIn((known[block + 1] ?? 0) & between(coefficient - 32, last - 32));
      }
      if (at > bits) return false;
    }
    return true;
  };

/** The bits of a word from `first` to `last`. */
const between = (first: number, last: number) =>
  last < 0 || first > 31 ? 0 : (-1 << Math.max(0, first)) & (-1 >>> (31 - Math.min(31, last)));

function onesIn(word: number): number {
  if (word === 0) return 0;
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
