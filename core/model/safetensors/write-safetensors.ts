import { type FileHandle, open } from 'node:fs/promises';
import { assert, ConfigError } from '../../errors.js';
import { encodeFloats, type WrittenDtype } from './float-formats.js';
import { encodeHeader, type StoredTensor, sizeOf, widthOf } from './header.js';

const SCRATCH_BYTES = 4 * 2 ** 20;

/** A tensor as it is to stand in a file. */
export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: WrittenDtype;
  /** Its values, row by row; asked for when it is this tensor's turn, and let go of before the next one's. */
  readonly values: () => Promise<Float32Array>;
}

/**
 * Writes a safetensors file, one tensor at a time; numbers are rounded to nearest, ties to even. Throws ConfigError when there is no
 * directory for it or a finite value is too large for its dtype. Flushing, and removing what an error leaves, is the caller's.
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorToWrite>,
  { metadata }: { readonly metadata?: { readonly [key: string]: string } },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const ordered = [...tensors].sort((a, b) => widthOf(b.dtype) - widthOf(a.dtype)); // keeps each value at a multiple of its width
  await using handle = await create(path);
  await handle.writeFile(encodeHeader(place(ordered), metadata));
  const scratch = new Uint8Array(SCRATCH_BYTES);
  for (const tensor of ordered) await writeValues(handle, { tensor, scratch, path }, signal);
}

async function create(path: string): Promise<FileHandle> {
  return open(path, 'w').catch((cause: unknown) => {
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw isMissing ? new ConfigError(`there is no directory to write ${path} to`, { cause }) : cause;
  });
}

/** One behind the other. */
function place(tensors: readonly TensorToWrite[]): ReadonlyMap<string, StoredTensor> {
  const placed = new Map<string, StoredTensor>();
  let end = 0;
  for (const { name, shape, dtype } of tensors) {
    assert(
      !placed.has(name) && !name.startsWith('__'),
      `the name ${name} cannot stand in a file, or stands in it twice`,
    );
    const start = end;
    end += sizeOf(shape, dtype) ?? Number.POSITIVE_INFINITY;
    assert(Number.isSafeInteger(end), `${name} of shape [${shape}] has no size`);
    placed.set(name, { dtype, shape, start, end });
  }
  return placed;
}

async function writeValues(
  handle: FileHandle,
  { tensor, scratch, path }: { tensor: TensorToWrite; scratch: Uint8Array; path: string },
  signal: AbortSignal,
): Promise<void> {
  const { name, shape, dtype } = tensor;
  const width = widthOf(dtype);
  const values = await tensor.values();
  assert(
    values.length * width === sizeOf(shape, dtype),
    `${name} has ${values.length} values, its shape is [${shape}]`,
  );
  const step = SCRATCH_BYTES / width;
  for (let at = 0; at < values.length; at += step) {
    signal.throwIfAborted();
    const chunk = values.subarray(at, at + step);
    const tooLarge = encodeFloats(dtype, chunk, scratch);
    if (tooLarge !== -1) {
      throw new ConfigError(
        `${name} holds ${chunk[tooLarge]}, which is too large for ${dtype} in ${path}: write ${dtype === 'F16' ? 'BF16 or F32' : 'F32'} instead`,
      );
    }
    await handle.writeFile(scratch.subarray(0, chunk.length * width));
  }
}
