import {
  type Coded,
  type Coefficients,
  definitionsIn,
  firstBand,
  type Reader,
  refiningBand,
  refiningDc,
  sequential,
  type Table,
} from "./jpeg-codes.ts";

const [baseline, progressive] = [0xc0, 0xc2];
const [huffmanTables, startOfScan, restartInterval] = [0xc4, 0xda, 0xdd];
const [firstRestart, endOfImage] = [0xd0, 0xd9];
const [blockEdge, lastCoefficient] = [8, 63];
/** In the name of a table: it is of AC coefficients, and not of DC ones. */
const isAc = 16;
/** Of an MCU, in a JPEG that decoders take. */
const maxBlocks = 10;
/** More bytes than so many blocks can have. */
const padding = 4096;

interface Component {
  id: number;
  /** Blocks of an MCU, in a scan of several components. */
  grouped: number;
  /** Blocks of a scan of this component alone: those at the edges are not filled up to an MCU. */
  alone: number;
  known: Coefficients | undefined;
}

interface Frame {
  isProgressive: boolean;
  components: readonly Component[];
  /** Of a scan of several components. */
  mcus: number;
}

interface Scan {
  units: number;
  read: Reader;
  /** Whether no further one is needed. */
  isOnly: boolean;
}

/**
 * Whether all rows of a JPEG are there: the codes of its scans are counted as a decoder reads them, which is cheaper than
 * to decode it. False also where that cannot be told, e.g. because it is damaged.
 */
export function hasAllRows(jpeg: Buffer): boolean {
  const tables = new Map<number, Table>();
  let frame: Frame | undefined;
  let restartAfter = 0;
  let scans = 0;
  for (let at = 2; at + 4 <= jpeg.byteLength; ) {
    const marker = jpeg[at] === 0xff ? (jpeg[at + 1] ?? 0) : 0;
    if (marker === endOfImage) break;
    if (marker < baseline || marker === 0xff) return false;
    const content = jpeg.subarray(at + 4, at + 2 + jpeg.readUInt16BE(at + 2));
    at += 4 + content.byteLength;
    if (marker === huffmanTables) for (const [name, table] of definitionsIn(content)) tables.set(name, table);
    else if (marker === baseline || marker === progressive) frame = frameIn(content, marker === progressive);
    else if (marker < endOfImage) return false;
    else if (marker === restartInterval) restartAfter = ((content[0] ?? 0) << 8) | (content[1] ?? 0);
    else if (marker === startOfScan) {
      const scan = frame && scanIn(content, frame, tables);
      const end = scan && endOfWhole(jpeg, at, scan, restartAfter);
      if (end === undefined) return false;
      if (scan?.isOnly) return true;
      at = end;
      scans++;
    }
  }
  return scans > 0;
}

function frameIn(content: Buffer, isProgressive: boolean): Frame | undefined {
  const [bits, , , , , count = 0] = content;
  if (bits !== 8 || content.byteLength < 6 + 3 * count) return undefined;
  const [height, width] = [content.readUInt16BE(1), content.readUInt16BE(3)];
  const sampled = Array.from({ length: count }, (_, index) => {
    const [id = 0, sampling = 0] = content.subarray(6 + 3 * index);
    return { id, across: sampling >> 4, down: sampling & 15 };
  });
  if (!sampled.every(({ across, down }) => across > 0 && down > 0)) return undefined;
  const most = (of: "across" | "down") => Math.max(...sampled.map((one) => one[of]));
  const [across, down] = [most("across"), most("down")];
  const blocksOf = (pixels: number, own: number, most: number) =>
    Math.ceil(Math.ceil((pixels * own) / most) / blockEdge);
  return {
    isProgressive,
    components: sampled.map((one) => ({
      id: one.id,
      grouped: one.across * one.down,
      alone: blocksOf(width, one.across, across) * blocksOf(height, one.down, down),
      known: undefined,
    })),
    mcus: Math.ceil(width / (blockEdge * across)) * Math.ceil(height / (blockEdge * down)),
  };
}

/** Undefined where decoders take none such. */
function scanIn(header: Buffer, frame: Frame, tables: ReadonlyMap<number, Table>): Scan | undefined {
  const [count = 0] = header;
  const [first = 0, last = 0, approximation = 0] = header.subarray(1 + 2 * count);
  const { isProgressive, components } = frame;
  const isRefining = approximation >> 4 > 0;
  const groups = Array.from({ length: count }, (_, index) => {
    const [id, names = 0] = header.subarray(1 + 2 * index);
    const component = components.find((one) => one.id === id);
    const [dc, ac] = [tables.get(names >> 4), tables.get(isAc | (names & 15))];
    return component && { component, dc, ac, blocks: count === 1 ? 1 : component.grouped };
  }).filter((group) => group !== undefined);
  const [one] = groups;
  if (!one || groups.length < count || groups.reduce((sum, { blocks }) => sum + blocks, 0) > maxBlocks)
    return undefined;
  const { component, ac: table } = one;
  const units = count === 1 ? component.alone : frame.mcus;
  const isOnly = !isProgressive && count === components.length;
  if (isProgressive && first > 0) {
    if (count > 1 || !table || last > lastCoefficient) return undefined;
    component.known ??= new Uint32Array(2 * units);
    const band = { first, last, table, known: component.known };
    return { units, isOnly, read: isRefining ? refiningBand(band) : firstBand(band) };
  }
  if (first > 0 || last !== (isProgressive ? 0 : lastCoefficient)) return undefined;
  const all = groups.flatMap(({ dc, ac, blocks }) => Array(blocks).fill({ dc, ac: isProgressive ? undefined : ac }));
  if (isProgressive && isRefining) return { units, isOnly, read: refiningDc(all.length) };
  const areDefined = groups.every(({ dc, ac }) => dc && (isProgressive || ac));
  return areDefined ? { units, isOnly, read: sequential(all) } : undefined;
}

/** Where a scan with all its units ends, and its restart markers. */
function endOfWhole(jpeg: Buffer, start: number, { units, read }: Scan, restartAfter: number): number | undefined {
  let at = start;
  for (let done = 0, restarts = 0; ; restarts++) {
    const { coded, end } = untilMarker(jpeg, at);
    const count = Math.min(units - done, restartAfter || units);
    if (!read(coded, done, count)) return undefined;
    done += count;
    if (done === units) return end;
    if (jpeg[end + 1] !== firstRestart + (restarts & 7)) return undefined;
    at = end + 2;
  }
}

/** What is coded up to the next marker. n.b. After each ff of it a 0 was added. */
function untilMarker(jpeg: Buffer, start: number): { coded: Coded; end: number } {
  const parts: Buffer[] = [];
  let from = start;
  let end = jpeg.indexOf(0xff, from);
  for (; end !== -1 && jpeg[end + 1] === 0; end = jpeg.indexOf(0xff, from)) {
    parts.push(jpeg.subarray(from, end + 1));
    from = end + 2;
  }
  if (end === -1) end = jpeg.byteLength;
  parts.push(jpeg.subarray(from, end));
  const bytes = Buffer.concat([...parts, Buffer.alloc(padding)]);
  return {
    coded: { bytes: new DataView(bytes.buffer, bytes.byteOffset), bits: 8 * (bytes.byteLength - padding) },
    end,
  };
}
