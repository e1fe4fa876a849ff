import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../errors.js';
import { ownName } from '../own-name.js';
import type { LoraConfig } from './lora-config.js';

/** What PEFT calls the description of an adapter, and its weights. */
export const adapterConfigFile = 'adapter_config.json';
export const adapterWeightsFile = 'adapter_model.safetensors';

const peftPrefix = 'base_model.model.';

/** PEFT's name of an adapter's factor. */
export function peftName(name: string): string {
  return `${peftPrefix}${name}`;
}

/** The name of an adapter's factor here, by PEFT's. */
export function ownAdapterName(name: string): string {
  return ownName(name.startsWith(peftPrefix) ? name.slice(peftPrefix.length) : name);
}

/** Whatever else changes what an adapter computes, and what it is where it changes nothing. */
const unsupported: { readonly [key: string]: readonly unknown[] } = {
  use_dora: [false],
  bias: ['none'],
  lora_bias: [false],
  fan_in_fan_out: [false],
  modules_to_save: [],
  rank_pattern: [],
  alpha_pattern: [],
  layers_to_transform: [],
  layer_replication: [],
  target_parameters: [],
  trainable_token_indices: [],
  alora_invocation_tokens: [],
  use_qalora: [false],
  use_bdlora: [false],
  arrow_config: [],
  kasa_config: [],
  monteclora_config: [],
  // Others (PiSSA, OLoRA, LoftQ, CorDA, LoRA-GA) change the base's weights too.
  init_lora_weights: [true, false, 'gaussian', 'orthogonal', 'eva'],
};

const schema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  target_modules: z.union([z.string(), z.array(z.string())]),
  base_model_name_or_path: z.string().nullish(),
});

export interface PeftAdapter {
  readonly lora: LoraConfig;
  /** Directory or id of the model that it was trained on; undefined where the file does not say. */
  readonly base: string | undefined;
}

/** The content of adapter_config.json for an adapter over the model that came from `base`. */
export function peftConfig(
  { loraRank, loraAlpha, useRslora, targetModules }: LoraConfig,
  base: string,
): { readonly [key: string]: unknown } {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: loraRank,
    lora_alpha: loraAlpha,
    lora_dropout: 0,
    use_rslora: useRslora,
    target_modules: targetModules,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
  };
}

/** Reads a directory's adapter_config.json; throws ConfigError when it is broken or says something that is not supported. */
export async function readPeftConfig(directory: string): Promise<PeftAdapter> {
  const path = join(directory, adapterConfigFile);
  const parsed = schema.safeParse(await readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`${path} is not a LoRA adapter of PEFT: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  for (const [key, plain] of Object.entries(unsupported)) {
    const value = parsed.data[key];
    if (value == null || plain.includes(value) || isEmpty(value)) continue;
    throw new ConfigError(`${path} has ${key} ${JSON.stringify(value)}, which is not supported`);
  }
  const { r, lora_alpha, use_rslora, target_modules, base_model_name_or_path } = parsed.data;
  const targetModules = target_modules === 'all-linear' ? target_modules : [target_modules].flat();
  return {
    lora: { loraRank: r, loraAlpha: lora_alpha, useRslora: use_rslora ?? false, targetModules },
    base: base_model_name_or_path ?? undefined,
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ConfigError(`${path} is missing or no JSON`, { cause });
  }
}
