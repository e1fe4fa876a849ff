import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../errors.js';
import type { ModelFiles } from '../model-files.js';
import type { WrittenDtype } from './float-formats.js';
import { sizeOf } from './header.js';
import { writeTextFiles } from './text-directory.js';
import { type TensorToWrite, writeSafetensors } from './write-safetensors.js';

/** How transformers calls them in config.json. */
const dtypeNames = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** No weights, but masks and positions that old checkpoints keep. */
const wholeNumbers: ReadonlySet<string> = new Set(['I64', 'I32', 'I16', 'I8', 'U64', 'U32', 'U16', 'U8', 'BOOL']);

/**
 * Writes a model as Hugging Face lays it out, holding one tensor at a time; makes the directory. Shards follow `maxShardBytes`; a head
 * tied to the embedding is left out. config.json comes last: a directory without it is not whole. Throws ConfigError when a model is
 * there already or a weight is too large for the dtype. Flushing, and removing what an error leaves, is the caller's.
 */
export async function writeModelDirectory(
  files: ModelFiles,
  directory: string,
  { dtype, maxShardBytes = 5e9 }: { readonly dtype: WrittenDtype; readonly maxShardBytes?: number },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  await makeFree(directory);
  await writeWeights(shardsOf(tensorsOf(files, dtype, signal), maxShardBytes), directory, signal);
  if (files.text !== undefined) await writeTextFiles(files.text, directory);
  const { torch_dtype: _, ...config } = files.config;
  await writeJson(join(directory, 'config.json'), { ...config, dtype: dtypeNames[dtype] });
}

/** Old weights beside new ones could be taken for them. */
async function makeFree(directory: string): Promise<void> {
  const names = await mkdir(directory, { recursive: true })
    .then(() => readdir(directory))
    .catch((cause: unknown) => {
      throw new ConfigError(`cannot write to the directory ${directory}`, { cause });
    });
  const taken = names.find((name) => name === 'config.json' || /\.safetensors(\.index\.json)?$/.test(name));
  if (taken !== undefined) {
    throw new ConfigError(`${join(directory, taken)} is there already: name a directory without a model`);
  }
}

function tensorsOf(files: ModelFiles, dtype: WrittenDtype, signal: AbortSignal): TensorToWrite[] {
  const isTied = files.config.tie_word_embeddings === true;
  return [...files.tensors]
    .filter(([name, entry]) => !(isTied && name === 'lm_head.weight') && !wholeNumbers.has(entry.dtype))
    .map(([name, { shape }]) => ({ name, shape, dtype, values: () => files.read(name, signal) }));
}

/** Fills one shard after the other; a tensor that is larger than a shard has one of its own. */
function shardsOf(tensors: readonly TensorToWrite[], maxShardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = maxShardBytes;
    }
    shards.at(-1)?.push(tensor);
    room -= bytes;
  }
  return shards;
}

async function writeWeights(shards: TensorToWrite[][], directory: string, signal: AbortSignal): Promise<void> {
  const metadata = { format: 'pt' }; // transformers refuses weights that do not say which library their names are of
  const [only = []] = shards;
  if (shards.length <= 1) return writeSafetensors(join(directory, 'model.safetensors'), only, { metadata }, signal);
  const weightMap: [tensor: string, file: string][] = [];
  for (const [i, shard] of shards.entries()) {
    const file = `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
    await writeSafetensors(join(directory, file), shard, { metadata }, signal);
    for (const { name } of shard) weightMap.push([name, file]);
  }
  const total_size = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const index = { metadata: { total_size }, weight_map: Object.fromEntries(weightMap) };
  await writeJson(join(directory, 'model.safetensors.index.json'), index);
}

function padded(number: number): string {
  return String(number).padStart(5, '0');
}

function bytesOf({ shape, dtype }: TensorToWrite): number {
  return sizeOf(shape, dtype) ?? Number.POSITIVE_INFINITY;
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
