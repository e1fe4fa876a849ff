import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError } from '../errors.js';
import { writeGguf } from './gguf/write-gguf.js';
import type { ModelFiles } from './model-files.js';
import type { WrittenDtype } from './safetensors/float-formats.js';
import { writeModelDirectory } from './safetensors/write-model-directory.js';

/** What a model can be written as: a directory as Hugging Face lays it out, or one file. */
export const modelFormats = ['safetensors', 'gguf'] as const;
export type ModelFormat = (typeof modelFormats)[number];

/**
 * Writes a model, a tensor at a time, flushed to disk; it appears under its name when it is whole, and nothing is left of one that is not.
 * Throws ConfigError when something is there already or the format cannot hold the model.
 */
export async function writeModel(
  files: ModelFiles,
  { path, format, dtype }: { readonly path: string; readonly format: ModelFormat; readonly dtype: WrittenDtype },
  signal: AbortSignal,
): Promise<void> {
  await checkFree(path);
  switch (format) {
    case 'gguf':
      return writeGguf(files, path, { dtype }, signal);
    case 'safetensors':
      return writeDirectory(files, path, { dtype }, signal);
    default:
      format satisfies never;
  }
}

/** What a path's name says that a model is written as there. */
export function formatOf(path: string): ModelFormat {
  return path.endsWith('.gguf') ? 'gguf' : 'safetensors';
}

/** The dtype of a model's matrices where they all have one that can be written. */
export function matrixDtype({ tensors }: Pick<ModelFiles, 'tensors'>): WrittenDtype | undefined {
  const matrices = [...tensors.values()].filter(({ shape }) => shape.length > 1);
  const dtypes = new Set(matrices.map(({ dtype }) => dtype));
  return writtenDtypes.find((dtype) => dtypes.size === 1 && dtypes.has(dtype));
}

const writtenDtypes = ['F32', 'F16', 'BF16'] as const satisfies readonly WrittenDtype[];

async function checkFree(path: string): Promise<void> {
  const isThere = (name: string) =>
    stat(name).then(
      () => true,
      () => false,
    );
  if (await isThere(path)) throw new ConfigError(`${path} is there already: name a path that is free`);
  if (await isThere(dirname(path))) return;
  throw new ConfigError(`there is no directory ${dirname(path)} to write ${path} to: make it first`);
}

async function writeDirectory(
  files: ModelFiles,
  path: string,
  options: { readonly dtype: WrittenDtype },
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeModelDirectory(files, temporary, options, signal);
    for (const name of await readdir(temporary)) await flush(join(temporary, name));
    await flush(temporary);
    signal.throwIfAborted();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** fsync of a file or directory. */
async function flush(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
