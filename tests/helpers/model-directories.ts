import { join } from 'node:path';
import { writeTensors } from './safetensors-files.js';
import { TemporaryFolder } from './temporary-folder.js';

/** A tiny Llama in shards that transformers wrote. */
export const fixtureModel = join(import.meta.dirname, '../fixtures/safetensors/sharded-llama');

/** Contents of all text files of a model, by their names. */
export const textFiles = {
  'tokenizer.json': '{"model":{"type":"BPE"}}',
  'tokenizer_config.json': '{"eos_token":"<|end|>","chat_template":"in the config"}',
  'chat_template.jinja': 'in its own file',
  'generation_config.json': '{"temperature":0.6}',
};

/** A directory with a config and two tensors in one file. */
export async function singleModel(): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder().write({ 'config.json': '{"model_type":"llama"}' });
  const tensors = new Map([
    ['model.norm.weight', { shape: [2], values: Float32Array.of(1, 2) }],
    ['lm_head.weight', { shape: [1, 2], values: Float32Array.of(3, 4) }],
  ]);
  await writeTensors(join(folder.path, 'model.safetensors'), tensors);
  return folder;
}
