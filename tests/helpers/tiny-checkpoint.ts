import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decoderConfig } from '../../core/model/architectures/architectures.js';
import { writeTextFiles } from '../../core/model/safetensors/text-directory.js';
import { weightShapes } from '../../core/model/weight-shapes.js';
import { Rng, rngKey } from '../../core/rng.js';
import { byteTextFiles } from '../../core/text/byte-text-files.js';
import type { TextFiles } from '../../core/text/text-files.js';
import { writeTensors } from './safetensors-files.js';

/** A Llama whose vocabulary is larger than its tokenizer's, as those of real models often are. */
export const tinyLlama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 272,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 8,
  max_position_embeddings: 1024,
  tie_word_embeddings: true,
};

/** Makes a directory as Hugging Face has them: a pretrained model with random weights that speaks bytes. */
export async function writeTinyCheckpoint(
  directory: string,
  { config = {}, text = byteTextFiles }: { readonly config?: object; readonly text?: TextFiles } = {},
): Promise<void> {
  const content = { ...tinyLlama, ...config };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'config.json'), JSON.stringify(content));
  const tensors = [...weightShapes(decoderConfig(content, directory))].map(([name, shape]) => {
    const rng = new Rng(rngKey('tiny checkpoint', name));
    const size = shape.reduce((product, axis) => product * axis, 1);
    const isNorm = name.endsWith('norm.weight');
    const values = Float32Array.from({ length: size }, () => (isNorm ? 1 : (rng.float() - 0.5) / 2));
    return [name, { shape: [...shape], values }] as const;
  });
  await writeTensors(join(directory, 'model.safetensors'), new Map(tensors));
  await writeTextFiles(text, directory);
}
