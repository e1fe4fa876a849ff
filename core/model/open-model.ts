import { readdir, stat } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { ConfigError } from '../errors.js';
import { openGgufModel } from './gguf/gguf-model.js';
import { type ResolveOptions, resolveModel } from './hub/resolve-model.js';
import { mergedFiles } from './lora/merged-files.js';
import { adapterConfigFile, readPeftConfig } from './lora/peft-config.js';
import type { ModelFiles } from './model-files.js';
import { openModelDirectory } from './safetensors/model-directory.js';

/**
 * Opens a model by what people call it: a directory (Hugging Face's layout, one with a GGUF file, or a PEFT adapter, which is merged into the
 * model that it names), a GGUF or safetensors file, or the id of a model on the Hugging Face Hub or on ModelScope, which is downloaded once.
 */
export async function openModel(name: string, options: ResolveOptions, signal: AbortSignal): Promise<ModelFiles> {
  const path = await resolveModel(name, options, signal);
  const stats = await stat(path);
  if (!stats.isDirectory()) return openFile(path, signal);
  const entries = await readdir(path);
  if (entries.includes(adapterConfigFile) && !entries.includes('config.json'))
    return openAdapter(path, options, signal);
  const ggufs = entries.filter((entry) => extname(entry) === '.gguf');
  const [gguf] = ggufs;
  if (entries.includes('config.json') || gguf === undefined) return openModelDirectory(path, signal);
  if (ggufs.length === 1) return openGgufModel(join(path, gguf), signal);
  throw new ConfigError(`${path} has ${ggufs.length} GGUF files: name one of ${ggufs.sort().join(', ')}`);
}

function openFile(path: string, signal: AbortSignal): Promise<ModelFiles> {
  switch (extname(path)) {
    case '.gguf':
      return openGgufModel(path, signal);
    case '.safetensors':
      return openModelDirectory(dirname(path), signal);
    default:
      throw new ConfigError(`${path} is no model: name a directory, a .gguf file or the id of a model on the Hub`);
  }
}

async function openAdapter(directory: string, options: ResolveOptions, signal: AbortSignal): Promise<ModelFiles> {
  const { base } = await readPeftConfig(directory);
  if (base === undefined) {
    throw new ConfigError(
      `${join(directory, adapterConfigFile)} does not name the base model (base_model_name_or_path)`,
    );
  }
  const files = await openModel(base, options, signal);
  try {
    return await mergedFiles(files, directory, signal);
  } catch (error) {
    await files[Symbol.asyncDispose]();
    throw error;
  }
}
