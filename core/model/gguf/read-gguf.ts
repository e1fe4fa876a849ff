import { type FileHandle, open } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';
import { HeaderEnd } from './header-cursor.js';
import { type GgufTensor, type LocatedFile, locateTensors } from './locate-tensors.js';
import type { GgufMetadata } from './metadata.js';
import { type GgufHeader, parseHeader } from './parse-header.js';

const FIRST_READ_BYTES = 4 * 2 ** 20;
/** A vocabulary of a million tokens needs a tenth of it. */
const MAX_HEADER_BYTES = 256 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;

/** A GGUF file opened for reading; every tensor is known to lie inside the file in a type that can be read. */
export interface GgufFile extends AsyncDisposable {
  /** What messages call it: its path. */
  readonly source: string;
  readonly metadata: GgufMetadata;
  /** By GGUF's names, such as `blk.0.attn_q.weight`. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** The tensor's values as float32, row by row, in GGUF's order of rows. Throws ConfigError when there is none of that name. */
  read(name: string, signal: AbortSignal): Promise<Float32Array>;
}

/** Opens a GGUF file of version 2 or 3. Throws ConfigError, naming the file, when it is missing or broken. */
export async function openGguf(path: string, signal: AbortSignal): Promise<GgufFile> {
  signal.throwIfAborted();
  const handle = await openFile(path);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ConfigError(`${path} is no file; name the .gguf file itself`);
    const file = { source: path, sizeBytes: stats.size };
    const header = await readHeader(handle, file, signal);
    return new OpenGguf(handle, { source: path, metadata: header.metadata, tensors: locateTensors(header, file) });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class OpenGguf implements GgufFile {
  readonly source: string;
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly #handle: FileHandle;
  #closing: Promise<void> | undefined;

  constructor(handle: FileHandle, { source, metadata, tensors }: Pick<GgufFile, 'source' | 'metadata' | 'tensors'>) {
    this.#handle = handle;
    this.source = source;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  async read(name: string, signal: AbortSignal): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new ConfigError(`${this.source} has no tensor ${name}`);
    const { format, offset, sizeBytes } = tensor;
    const values = new Float32Array((sizeBytes / format.bytesPerBlock) * format.valuesPerBlock);
    const chunkBytes = Math.floor(CHUNK_BYTES / format.bytesPerBlock) * format.bytesPerBlock;
    const chunk = Buffer.alloc(Math.min(chunkBytes, sizeBytes));
    for (let at = 0; at < sizeBytes; at += chunkBytes) {
      signal.throwIfAborted();
      const bytes = chunk.subarray(0, Math.min(chunkBytes, sizeBytes - at));
      if ((await readInto(this.#handle, bytes, offset + at)) < bytes.length)
        throw new ConfigError(`${this.source} ends inside of tensor ${name}; it was changed while it was open`);
      const first = (at / format.bytesPerBlock) * format.valuesPerBlock;
      const count = (bytes.length / format.bytesPerBlock) * format.valuesPerBlock;
      format.decode(bytes, values.subarray(first, first + count));
    }
    return values;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#handle.close();
    await this.#closing;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new ConfigError(`${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** Reads more and more of the file until its header is whole: a header's length stands nowhere. */
async function readHeader(
  handle: FileHandle,
  { source, sizeBytes }: LocatedFile,
  signal: AbortSignal,
): Promise<GgufHeader> {
  const most = Math.min(sizeBytes, MAX_HEADER_BYTES);
  for (let length = Math.min(FIRST_READ_BYTES, most); ; length = Math.min(4 * length, most)) {
    signal.throwIfAborted();
    const bytes = Buffer.alloc(length);
    const header = tryParse(bytes.subarray(0, await readInto(handle, bytes, 0)), source);
    if (header !== undefined) return header;
    if (length === most)
      throw new ConfigError(
        `${source} is not a usable GGUF file: its header does not end within ${most} bytes; it may be downloaded in part`,
      );
  }
}

function tryParse(bytes: Buffer, source: string): GgufHeader | undefined {
  try {
    return parseHeader(bytes, source);
  } catch (error) {
    if (error instanceof HeaderEnd) return undefined;
    throw error;
  }
}

/** Fills the buffer from the file at `position`; returns fewer bytes than it has only at the file's end. */
async function readInto(handle: FileHandle, bytes: Buffer, position: number): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
