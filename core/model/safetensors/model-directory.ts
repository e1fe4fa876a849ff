import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../errors.js';
import type { TextFiles } from '../../text/text-files.js';
import type { ModelFiles, TensorEntry } from '../model-files.js';
import { readJsonObject } from './json-file.js';
import { openSharded, openSingle, type ShardedWeights } from './sharded-weights.js';
import { readTextFiles } from './text-directory.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/**
 * Opens a model as Hugging Face lays it out: config.json, its weights in one safetensors file or in several with an index, and its
 * text files. All headers are checked here. Throws ConfigError, naming the file and what to do, when something is missing or broken.
 */
export async function openModelDirectory(directory: string, signal: AbortSignal): Promise<ModelFiles> {
  signal.throwIfAborted();
  const names = await list(directory);
  if (!names.includes('config.json')) throw new ConfigError(withoutConfig(directory, names));
  const config = (await readJsonObject(join(directory, 'config.json'))) ?? {};
  const text = await readTextFiles(directory);
  const weights = await openWeights(directory, names, signal);
  return new ModelDirectory(directory, { config, text, weights });
}

class ModelDirectory implements ModelFiles {
  readonly source: string;
  readonly config: ModelFiles['config'];
  readonly text: TextFiles | undefined;
  readonly #weights: ShardedWeights;

  constructor(
    directory: string,
    parts: { config: ModelFiles['config']; text: TextFiles | undefined; weights: ShardedWeights },
  ) {
    this.source = directory;
    this.config = parts.config;
    this.text = parts.text;
    this.#weights = parts.weights;
  }

  get tensors(): ReadonlyMap<string, TensorEntry> {
    return this.#weights.tensors;
  }

  async read(name: string, signal: AbortSignal): Promise<Float32Array> {
    const file = this.#weights.fileOf(name);
    if (file === undefined) throw new ConfigError(`${this.source} has no tensor ${name}`);
    return file.read(name, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#weights[Symbol.asyncDispose]();
  }
}

async function list(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((cause: unknown) => {
    throw new ConfigError(`cannot read the directory ${directory}: name one that holds a model's config.json`, {
      cause,
    });
  });
}

/** One file comes first where both are there, as in transformers. */
function openWeights(directory: string, names: readonly string[], signal: AbortSignal): Promise<ShardedWeights> {
  if (names.includes(SINGLE)) return openSingle(join(directory, SINGLE), signal);
  if (names.includes(INDEX)) return openSharded(directory, INDEX, signal);
  throw new ConfigError(withoutWeights(directory, names));
}

function withoutConfig(directory: string, names: readonly string[]): string {
  const gguf = names.find((name) => name.endsWith('.gguf'));
  if (gguf !== undefined) return `${directory} has no config.json: name the file ${join(directory, gguf)} itself`;
  if (names.includes('adapter_config.json')) {
    return `${directory} has no config.json, only an adapter: name the directory of the model that it was trained on`;
  }
  return `${directory} has no config.json: download it from the model's page into the same directory`;
}

function withoutWeights(directory: string, names: readonly string[]): string {
  if (names.some((name) => /^pytorch_model.*\.(bin|bin\.index\.json)$/.test(name))) {
    return (
      `${directory} has its weights only as pytorch_model.bin, which can run code when it is read: ` +
      'load it in Python with transformers and save it again with save_pretrained, which writes safetensors'
    );
  }
  return `${directory} has neither ${SINGLE} nor ${INDEX}: download the model's safetensors files into it`;
}
