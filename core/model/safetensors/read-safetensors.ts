import { type FileHandle, open, stat } from 'node:fs/promises';
import { ConfigError } from '../../errors.js';
import { decodeFloats, type FloatDtype } from './float-formats.js';
import {
  type Dtype,
  type Header,
  MAX_HEADER_BYTES,
  parseHeader,
  type StoredTensor,
  unusable,
  widthOf,
} from './header.js';

/** How much of a file is in memory beside the tensor that is read from it. A multiple of every dtype's width. */
const SCRATCH_BYTES = 4 * 2 ** 20;

/** A safetensors file opened for reading; holds its header in memory, never its values. */
export class SafetensorsFile implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #header: Header;
  readonly #bodyStart: number;

  constructor(path: string, file: { handle: FileHandle; header: Header; bodyStart: number }) {
    this.path = path;
    this.#handle = file.handle;
    this.#header = file.header;
    this.#bodyStart = file.bodyStart;
  }

  get tensors(): ReadonlyMap<string, StoredTensor> {
    return this.#header.tensors;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.#header.metadata;
  }

  /** The tensor's values as float32, row by row. Throws ConfigError when there is none of that name, or when it holds no floats. */
  async read(name: string, signal: AbortSignal): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new ConfigError(`${this.path} has no tensor ${name}`);
    const { dtype, start, end } = tensor;
    if (!isFloat(dtype)) {
      throw new ConfigError(`${name} in ${this.path} is ${dtype}: weights must be F32, BF16, F16 or F64`);
    }
    const width = widthOf(dtype);
    const values = allocate((end - start) / width, `${name} in ${this.path}`);
    const scratch = new Uint8Array(Math.min(end - start, SCRATCH_BYTES));
    for (let at = start; at < end; at += SCRATCH_BYTES) {
      signal.throwIfAborted();
      const chunk = scratch.subarray(0, Math.min(end - at, SCRATCH_BYTES));
      await readFully(this.#handle, chunk, { at: this.#bodyStart + at, source: this.path });
      decodeFloats(dtype, chunk, values.subarray((at - start) / width, (at - start + chunk.length) / width));
    }
    return values;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** Opens a file and checks its header against its size. Throws ConfigError, naming it, when it is missing or not one whole valid file. */
export async function openSafetensors(path: string, signal: AbortSignal): Promise<SafetensorsFile> {
  signal.throwIfAborted();
  const handle = await openFile(path);
  try {
    const { header, bodyStart } = await readHeader(handle, path);
    return new SafetensorsFile(path, { handle, header, bodyStart });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Only what is a file is opened: a pipe would never answer. */
async function openFile(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isFile()) return await open(path, 'r');
  } catch (cause) {
    throw new ConfigError(`cannot read ${path}: the checkpoint is not whole`, { cause });
  }
  throw new ConfigError(`${path} is not a file`);
}

async function readHeader(handle: FileHandle, path: string): Promise<{ header: Header; bodyStart: number }> {
  const { size } = await handle.stat();
  if (size < 8) throw unusable(path, 'it is shorter than its header length');
  const lengthBytes = Buffer.alloc(8);
  await readFully(handle, lengthBytes, { at: 0, source: path });
  const length = Number(lengthBytes.readBigUInt64LE());
  if (length > size - 8) throw unusable(path, `its header should have ${length} bytes, ${size - 8} are there`);
  if (length > MAX_HEADER_BYTES) throw unusable(path, `its header has ${length} bytes, more than ${MAX_HEADER_BYTES}`);
  const bytes = new Uint8Array(length);
  await readFully(handle, bytes, { at: 8, source: path });
  const bodyStart = 8 + length;
  return { header: parseHeader(bytes, { source: path, bodyBytes: size - bodyStart }), bodyStart };
}

async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  { at, source }: { at: number; source: string },
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await handle.read(target, done, target.length - done, at + done);
    if (bytesRead === 0) throw unusable(source, 'it became shorter while it was read');
    done += bytesRead;
  }
}

function isFloat(dtype: Dtype): dtype is FloatDtype {
  return dtype === 'F32' || dtype === 'BF16' || dtype === 'F16' || dtype === 'F64';
}

function allocate(count: number, what: string): Float32Array {
  try {
    return new Float32Array(count);
  } catch (cause) {
    throw new ConfigError(`${what} has ${count} values, more than this machine's memory can hold`, { cause });
  }
}
