import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import type { TensorEntry } from '../model-files.js';
import { parseJsonObject, readText } from './json-file.js';
import { jsonProblem } from './json-problem.js';
import { openSafetensors, type SafetensorsFile } from './read-safetensors.js';

const weightMapSchema = z.record(z.string(), z.string());

/** The tensors of one safetensors file or of several, opened for reading. */
export class ShardedWeights implements AsyncDisposable {
  readonly #files: readonly SafetensorsFile[];
  readonly #places: ReadonlyMap<string, SafetensorsFile>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;

  /** Owns the files; `places` says which of them holds a tensor. */
  constructor(files: readonly SafetensorsFile[], places: ReadonlyMap<string, SafetensorsFile>) {
    this.#files = files;
    this.#places = places;
    this.tensors = new Map([...places].flatMap(([name, file]) => entryOf(name, file)));
  }

  /** The file that holds a tensor, undefined for a name that is not in `tensors`. */
  fileOf(name: string): SafetensorsFile | undefined {
    return this.#places.get(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#files);
  }
}

/** Opens one file that holds all tensors. */
export async function openSingle(path: string, signal: AbortSignal): Promise<ShardedWeights> {
  const file = await openSafetensors(path, signal);
  return new ShardedWeights([file], new Map([...file.tensors.keys()].map((name) => [name, file])));
}

/**
 * Opens the files that an index (`model.safetensors.index.json`) names, all of them, and checks that each has the tensors that the index
 * says. Throws ConfigError when one is missing, broken or elsewhere than beside the index.
 */
export async function openSharded(directory: string, index: string, signal: AbortSignal): Promise<ShardedWeights> {
  const path = join(directory, index);
  const weightMap = parseIndex((await readText(path)) ?? '', path);
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const shard of new Set(weightMap.values())) {
      files.set(shard, await openShard(directory, { shard, index: path }, signal));
    }
    const places = [...weightMap].map(([name, shard]) => [name, holderOf(name, files.get(shard), path)] as const);
    return new ShardedWeights([...files.values()], new Map(places));
  } catch (error) {
    await closeAll(files.values());
    throw error;
  }
}

function parseIndex(text: string, path: string): ReadonlyMap<string, string> {
  const { weight_map } = parseJsonObject(text, path);
  const problem = jsonProblem(text, 20);
  if (problem !== undefined) throw new ConfigError(`${path} cannot be trusted: ${problem}`);
  const parsed = weightMapSchema.safeParse(weight_map);
  if (!parsed.success) throw new ConfigError(`${path} has no weight_map that gives each tensor its file`);
  return new Map(Object.entries(parsed.data));
}

async function openShard(
  directory: string,
  { shard, index }: { shard: string; index: string },
  signal: AbortSignal,
): Promise<SafetensorsFile> {
  if (!/^\w[\w.-]{0,200}\.safetensors$/.test(shard)) {
    throw new ConfigError(
      `${index} names ${JSON.stringify(shard.slice(0, 200))}, which is no name of a safetensors file beside it`,
    );
  }
  return openSafetensors(join(directory, shard), signal);
}

function holderOf(name: string, file: SafetensorsFile | undefined, index: string): SafetensorsFile {
  if (file?.tensors.has(name)) return file;
  throw new ConfigError(
    `${file?.path ?? 'no file'} has no tensor ${JSON.stringify(name.slice(0, 200))}, though ${index} says so`,
  );
}

function entryOf(name: string, file: SafetensorsFile): [string, TensorEntry][] {
  const tensor = file.tensors.get(name);
  return tensor === undefined ? [] : [[name, { shape: tensor.shape, dtype: tensor.dtype }]];
}

async function closeAll(files: Iterable<SafetensorsFile>): Promise<void> {
  for (const file of files) await file[Symbol.asyncDispose]();
}
