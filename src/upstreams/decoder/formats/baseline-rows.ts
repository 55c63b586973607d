const [baseline, huffmanTables, startOfScan, restartInterval] = [0xc0, 0xc4, 0xda, 0xdd];
const [firstRestart, endOfImage] = [0xd0, 0xd9];
/** Of an entry of a table: the low bits are the length of a code and its value together, the others what to go on by. */
const [lengthBits, lengthMask] = [5, 31];
const blockSize = 64;
/** In the name of a table: it is of AC coefficients, and not of DC ones. */
const isAc = 16;
/** Of an MCU, in a JPEG that decoders take. */
const maxBlocks = 10;
/** More bytes than so many blocks can have. */
const padding = 4096;

/** By the next 16 bits of a scan; 0 where no code begins so. */
type Table = Uint16Array;
/** Of each block of an MCU, in their order. */
type Tables = readonly { dc: Table; ac: Table }[];

interface Component {
  id: number;
  /** Blocks of an MCU. */
  blocks: number;
}

interface Frame {
  components: readonly Component[];
  /** Of a scan that holds all components. */
  mcus: number;
}

/**
 * Whether all rows of a baseline JPEG are there: its codes are counted as a decoder reads them, which is cheaper than to
 * decode it. False also where that cannot be told: it is progressive, has several scans, or is damaged.
 */
export function hasAllRows(jpeg: Buffer): boolean {
  const definitions = new Map<number, Buffer>();
  let frame: Frame | undefined;
  let restartAfter = 0;
  for (let at = 2; at + 4 <= jpeg.byteLength; ) {
    const marker = jpeg[at] === 0xff ? (jpeg[at + 1] ?? 0) : 0;
    if (marker < baseline || marker === 0xff) return false;
    const content = jpeg.subarray(at + 4, at + 2 + jpeg.readUInt16BE(at + 2));
    at += 4 + content.byteLength;
    if (marker === huffmanTables) for (const [name, one] of definitionsIn(content)) definitions.set(name, one);
    else if (marker === baseline) frame = frameIn(content);
    else if (marker <= endOfImage) return false;
    else if (marker === restartInterval) restartAfter = ((content[0] ?? 0) << 8) | (content[1] ?? 0);
    else if (marker === startOfScan) {
      const blocks = frame && blocksIn(content, frame.components, definitions);
      return blocks !== undefined && isWhole(jpeg, at, { blocks, mcus: frame?.mcus ?? 0, restartAfter });
    }
  }
  return false;
}

/** How many codes there are of 1 to 16 bits, then what each of them stands for. */
function* definitionsIn(content: Buffer): Generator<[name: number, Buffer]> {
  for (let at = 0; at + 17 <= content.byteLength; ) {
    const codes = content.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0);
    yield [content[at] ?? 0, content.subarray(at + 1, at + 17 + codes)];
    at += 17 + codes;
  }
}

function tableOf(definition: Buffer, name: number): Table {
  const table: Table = new Uint16Array(1 << 16);
  let [from, at] = [0, 16];
  for (const [index, count] of definition.subarray(0, 16).entries())
    for (let code = 0; code < count; code++) {
      const symbol = definition[at++] ?? 0;
      const [run, size] = name >= isAc ? [symbol >> 4, symbol & 15] : [0, symbol];
      // Without a value it is the end of the block, or 16 noughts.
      const steps = size > 0 || run === 15 ? run + 1 : blockSize;
      const until = from + (1 << (15 - index));
      if (size <= 15) table.fill((steps << lengthBits) | (index + 1 + size), from, until);
      from = until;
    }
  return table;
}

function frameIn(content: Buffer): Frame | undefined {
  const [bits, , , , , count = 0] = content;
  if (bits !== 8 || content.byteLength < 6 + 3 * count) return undefined;
  const [height, width] = [content.readUInt16BE(1), content.readUInt16BE(3)];
  const sampled = Array.from({ length: count }, (_, index) => {
    const [id = 0, sampling = 0] = content.subarray(6 + 3 * index);
    return { id, across: sampling >> 4, down: sampling & 15 };
  });
  if (!sampled.every(({ across, down }) => across > 0 && down > 0)) return undefined;
  // n.b. The blocks of a single component are not grouped, whatever its sampling is.
  const [only] = sampled;
  if (count === 1 && only) Object.assign(only, { across: 1, down: 1 });
  const most = (of: "across" | "down") => 8 * Math.max(...sampled.map((one) => one[of]));
  const mcus = Math.ceil(width / most("across")) * Math.ceil(height / most("down"));
  return { components: sampled.map(({ id, across, down }) => ({ id, blocks: across * down })), mcus };
}

/** Undefined unless the scan has all components with all their bits. */
function blocksIn(
  header: Buffer,
  components: readonly Component[],
  definitions: ReadonlyMap<number, Buffer>,
): Tables | undefined {
  const [count = 0] = header;
  const [first, last, approximation] = header.subarray(1 + 2 * count);
  if (count !== components.length || first !== 0 || last !== blockSize - 1 || approximation !== 0) return undefined;
  const tables = new Map<number, Table>();
  const all: { dc: Table; ac: Table }[] = [];
  for (const [index, { id, blocks }] of components.entries()) {
    const [selected, names = 0] = header.subarray(1 + 2 * index);
    const [dc, ac] = [names >> 4, isAc | (names & 15)].map((name) => {
      const definition = definitions.get(name);
      return definition && tables.getOrInsertComputed(name, () => tableOf(definition, name));
    });
    if (selected !== id || !dc || !ac || all.length + blocks > maxBlocks) return undefined;
    for (let block = 0; block < blocks; block++) all.push({ dc, ac });
  }
  return all;
}

interface Scan {
  blocks: Tables;
  mcus: number;
  restartAfter: number;
}

/** Whether so many MCUs are coded from `at` on, with their restart markers. */
function isWhole(jpeg: Buffer, at: number, { blocks, mcus, restartAfter }: Scan): boolean {
  let left = mcus;
  for (let restarts = 0; ; restarts++) {
    const { bytes, bits, end } = untilMarker(jpeg, at);
    const wanted = restartAfter > 0 ? Math.min(left, restartAfter) : left;
    if (!areCoded(blocks, wanted, bytes, bits)) return false;
    left -= wanted;
    if (left === 0) return true;
    if (jpeg[end + 1] !== firstRestart + (restarts & 7)) return false;
    at = end + 2;
  }
}

function areCoded(blocks: Tables, mcus: number, bytes: DataView, bits: number): boolean {
  let at = 0;
  const next = (table: Table) => table[(bytes.getInt32(at >> 3) << (at & 7)) >>> 16] ?? 0;
  for (let mcu = 0; mcu < mcus; mcu++) {
    for (const { dc, ac } of blocks) {
      const entry = next(dc);
      if (entry === 0) return false;
      at += entry & lengthMask;
      for (let coefficient = 1; coefficient < blockSize; ) {
        const entry = next(ac);
        if (entry === 0) return false;
        at += entry & lengthMask;
        coefficient += entry >> lengthBits;
      }
    }
    if (at > bits) return false;
  }
  return true;
}

/** What is coded up to the next marker. n.b. After each ff of it a 0 was added. */
function untilMarker(jpeg: Buffer, start: number): { bytes: DataView; bits: number; end: number } {
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
  return { bytes: new DataView(bytes.buffer, bytes.byteOffset), bits: 8 * (bytes.byteLength - padding), end };
}
