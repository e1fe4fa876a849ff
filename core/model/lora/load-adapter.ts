import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../errors.js';
import type { Policy } from '../policy.js';
import { openSafetensors, type SafetensorsFile } from '../safetensors/read-safetensors.js';
import { type LoraConfig, loraScale } from './lora-config.js';
import { adapterConfigFile, adapterWeightsFile, ownAdapterName, readPeftConfig } from './peft-config.js';

/**
 * Replaces a policy's adapters by those of a directory that PEFT or a checkpoint wrote, to train them further; the optimizer begins anew. Throws
 * ConfigError, before anything is replaced, where rank, scale or targets are not the policy's.
 */
export async function loadAdapter(policy: Policy, directory: string, signal: AbortSignal): Promise<void> {
  const { lora } = await readPeftConfig(directory);
  checkSame(policy.lora, lora, join(directory, adapterConfigFile));
  await using file = await openSafetensors(join(directory, adapterWeightsFile), signal);
  const names = checkedNames(policy, file);
  for (const [own, name] of names) {
    const variable = policy.weights.get(own);
    const values = await file.read(name, signal);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

function checkSame(own: LoraConfig | undefined, lora: LoraConfig, path: string): void {
  if (own === undefined)
    throw new ConfigError(`the policy trains no adapters: write loraRank ${lora.loraRank}, as ${path}`);
  const isSame = own.loraRank === lora.loraRank && loraScale(own) === loraScale(lora);
  if (isSame) return;
  throw new ConfigError(`${path} has ${described(lora)}, the policy ${described(own)}: write the adapter's`);
}

function described({ loraRank, loraAlpha, useRslora }: LoraConfig): string {
  return `loraRank ${loraRank}, loraAlpha ${loraAlpha} and useRslora ${useRslora}`;
}

/** By the policy's names, the file's. */
function checkedNames({ weights }: Policy, { path, tensors }: SafetensorsFile): ReadonlyMap<string, string> {
  const names = new Map([...tensors.keys()].map((name) => [ownAdapterName(name), name]));
  const unknown = [...names].find(([own]) => !weights.isTrained(own));
  if (unknown !== undefined) throw new ConfigError(`${path} has ${unknown[1]}, which is none of targetModules`);
  for (const own of weights.names) {
    const { shape } = weights.get(own);
    const stored = tensors.get(names.get(own) ?? '')?.shape;
    if (stored === undefined) throw new ConfigError(`${path} has no ${own}, which targetModules ask for`);
    if (!tf.util.arraysEqual([...stored], shape)) {
      throw new ConfigError(`${own} in ${path} has shape [${stored}], the policy's is [${shape}]`);
    }
  }
  return names;
}
