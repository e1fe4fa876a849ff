import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

const BLOCK = 32_768;
const HEADER = 7;
const FULL = 1;
const FIRST = 2;
const MIDDLE = 3;
const LAST = 4;

/**
 * A file of records in LevelDB's log format: blocks of 32 KiB, of chunks with checksum, length and kind; a record that does
 * not fit into a block goes on in the next. W&B and SwanLab keep runs so. Deviation from LevelDB, which both make: seven bytes
 * of their own come first, and the checksum is the plain CRC-32 of kind and data.
 * A reader finds every record that was appended, whenever this process dies.
 */
export class RecordLog implements AsyncDisposable {
  readonly #file: FileHandle;
  #end: number;
  #working: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /** Makes the file, empty but for the bytes that say whose log it is, and its directory. */
  static async create(path: string, magic: Uint8Array): Promise<RecordLog> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'w+');
    return disposedOnError({ [Symbol.asyncDispose]: () => file.close() }, async () => {
      await file.write(magic, 0, magic.length, 0);
      return new RecordLog(file, magic.length);
    });
  }

  /** Takes up the file before the first record that is refused or damaged; what stood there is gone. */
  static async reopen(path: string, isKept: (record: Uint8Array) => boolean): Promise<RecordLog> {
    const file = await open(path, 'r+');
    return disposedOnError({ [Symbol.asyncDispose]: () => file.close() }, async () => {
      const bytes = await file.readFile();
      let end = HEADER;
      for (const { record, next } of scanRecords(bytes)) {
        if (!isKept(record)) break;
        end = next;
      }
      await file.truncate(end);
      return new RecordLog(file, end);
    });
  }

  /** Adds the records by one write, in place of everything from `position` on; resolves with where they begin. */
  append(records: readonly Uint8Array[], position?: number): Promise<number> {
    const written = this.#working.then(() => this.#write(records, position ?? this.#end));
    this.#working = written.catch(() => undefined); // the caller hears of it; the next records take its place
    return written;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#working;
    await this.#file.close();
  }

  async #write(records: readonly Uint8Array[], position: number): Promise<number> {
    const bytes = frame(records, position);
    await this.#file.write(bytes, 0, bytes.length, position);
    const end = position + bytes.length;
    if (end < this.#end) await this.#file.truncate(end);
    this.#end = end;
    return position;
  }
}

/** The work's result, which owns the resource from then on; where it fails the resource is disposed. */
export async function disposedOnError<Result>(resource: AsyncDisposable, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await resource[Symbol.asyncDispose]();
    throw error;
  }
}

/** The log's whole records, `next` being where the following one begins; ends where the file is cut off or damaged. */
export function* scanRecords(bytes: Uint8Array): Generator<{ readonly record: Uint8Array; readonly next: number }> {
  for (let position = HEADER; ; ) {
    const found = readRecord(bytes, position);
    if (found === undefined) return;
    yield found;
    position = found.next;
  }
}

function readRecord(bytes: Uint8Array, start: number): { record: Uint8Array; next: number } | undefined {
  const parts: Uint8Array[] = [];
  for (let position = start; ; ) {
    position += padding(position);
    const chunk = readChunk(bytes, position);
    const isFirst = parts.length === 0;
    if (chunk === undefined || isFirst !== (chunk.kind === FULL || chunk.kind === FIRST)) return undefined;
    parts.push(chunk.data);
    position += HEADER + chunk.data.length;
    if (chunk.kind === FULL || chunk.kind === LAST) return { record: Buffer.concat(parts), next: position };
  }
}

function readChunk(bytes: Uint8Array, position: number): { kind: number; data: Uint8Array } | undefined {
  if (position + HEADER > bytes.length) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset + position, HEADER);
  const kind = header.getUint8(6);
  const start = position + HEADER;
  const data = bytes.subarray(start, start + header.getUint16(4, true));
  const isWhole = data.length === header.getUint16(4, true) && kind >= FULL && kind <= LAST;
  return isWhole && header.getUint32(0, true) === checksum(kind, data) ? { kind, data } : undefined;
}

/** The records as they stand in the file from this position on. */
function frame(records: readonly Uint8Array[], start: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let position = start;
  const add = (part: Uint8Array): void => {
    parts.push(part);
    position += part.length;
  };
  for (const record of records) {
    add(new Uint8Array(padding(position)));
    for (let done = 0, isFirst = true; isFirst || done < record.length; isFirst = false) {
      const data = record.subarray(done, done + BLOCK - HEADER - (position % BLOCK));
      done += data.length;
      add(chunkOf(kindOf(isFirst, done === record.length), data));
    }
  }
  return Buffer.concat(parts);
}

function kindOf(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? FULL : FIRST;
  return isLast ? LAST : MIDDLE;
}

function chunkOf(kind: number, data: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(checksum(kind, data), 0);
  header.writeUInt16LE(data.length, 4);
  header.writeUInt8(kind, 6);
  return Buffer.concat([header, data]);
}

/** Zeros before the next chunk, where the block has no room for a header. */
function padding(position: number): number {
  const room = BLOCK - (position % BLOCK);
  return room < HEADER ? room : 0;
}

function checksum(kind: number, data: Uint8Array): number {
  const ofKind = crc32(Uint8Array.of(kind));
  return data.length === 0 ? ofKind : crc32(data, ofKind); // Node says 0 for some empty arrays
}
