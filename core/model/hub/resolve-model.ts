import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError } from '../../errors.js';
import { isTrue } from './environment.js';
import { fromHuggingFace } from './hugging-face.js';
import { type ModelId, parseModelId } from './model-id.js';
import { fromModelScope } from './model-scope.js';
import type { ResolveOptions } from './resolve-options.js';

export type { ResolveOptions } from './resolve-options.js';

/**
 * A path on this machine for what a person calls a model: the file or directory itself, or what its id
 * (`[hf:|modelscope:]owner/name[@revision][:file.gguf]`) stands for, in the cache of that hub's own library, downloaded if it is not there.
 * Throws ConfigError when there is no such model, InfrastructureError when the network fails again and again.
 */
export async function resolveModel(name: string, options: ResolveOptions, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const stats = await stat(name).catch(() => undefined);
  if (stats !== undefined) return name;
  const id = parseModelId(name, isTrue(options.env.VERL_USE_MODELSCOPE) ? 'modelscope' : 'huggingface');
  if (id === undefined) {
    throw new ConfigError(
      `there is no model ${name}: neither a file or directory (${resolve(name)}) nor an id of the form owner/name, such as Qwen/Qwen3-0.6B`,
    );
  }
  return fromHub(id, options, signal);
}

function fromHub(id: ModelId, options: ResolveOptions, signal: AbortSignal): Promise<string> {
  switch (id.hub) {
    case 'huggingface':
      return fromHuggingFace(id, options, signal);
    case 'modelscope':
      return fromModelScope(id, options, signal);
    default:
      return id.hub satisfies never;
  }
}
