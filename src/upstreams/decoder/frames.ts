const headerBytes = 4;

/** One message for a pipe: its length, then `parts`. */
export function frame(...parts: Uint8Array[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  return Buffer.concat([header, ...parts]);
}

/** The messages that come through a pipe, until it is closed. */
export async function* frames(pipe: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, undefined> {
  let pending: Uint8Array[] = [];
  let [size, end] = [0, headerBytes];
  for await (const chunk of pipe) {
    pending.push(chunk);
    size += chunk.byteLength;
    while (size >= end) {
      const bytes = Buffer.concat(pending);
      pending = [bytes];
      end = headerBytes + bytes.readUInt32BE();
      if (size < end) break;
      yield bytes.subarray(headerBytes, end);
      pending = [bytes.subarray(end)];
      size -= end;
      end = headerBytes;
    }
  }
}

/** The first byte of an answer: the process has started; a face follows; why the photo is unusable follows. */
export const answers = { ready: Buffer.from("r"), face: Buffer.from("f"), unusable: Buffer.from("u") };
