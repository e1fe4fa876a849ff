import { join } from 'node:path';
import { peftConfig } from '../../core/model/lora/peft-config.js';
import { Rng } from '../../core/rng.js';
import { CHATML, tinyFiles } from '../core/text/tiny-tokenizer.js';
import { type NamedTensor, readTensors, writeTensors } from './safetensors-files.js';
import { TemporaryFolder } from './temporary-folder.js';

const fixture = join(import.meta.dirname, '../fixtures/models/qwen3');
/** Tokens of the tiny tokenizer. */
const vocabSize = 398;

interface Changes {
  readonly hasTokenizer?: boolean;
  /** Null for none. */
  readonly template?: string | null;
  readonly generation?: object;
}

/** A whole tiny model that can be talked to: the fixture's Qwen3 with an embedding for the tiny tokenizer, and ChatML. */
export async function chatModel({ hasTokenizer = true, template = CHATML, generation = {} }: Changes = {}) {
  const folder = new TemporaryFolder();
  await writeChatModel(folder, '.', { hasTokenizer, template, generation });
  return folder;
}

/** Writes the model below the folder. */
export async function writeChatModel(
  folder: TemporaryFolder,
  path: string,
  { hasTokenizer = true, template = CHATML, generation = {} }: Changes = {},
): Promise<void> {
  const { tokenizer, config } = tinyFiles();
  const file = (name: string, content: object) => ({ [join(path, name)]: JSON.stringify(content) });
  folder.write(file('config.json', { ...tinyConfig, vocab_size: vocabSize }));
  if (hasTokenizer) {
    folder.write(file('tokenizer.json', tokenizer)).write(file('tokenizer_config.json', config));
    folder.write(file('generation_config.json', generation));
    if (template !== null) folder.write({ [join(path, 'chat_template.jinja')]: template });
  }
  const tensors = await readTensors(join(fixture, 'model.safetensors'));
  tensors.set('model.embed_tokens.weight', randomTensor([vocabSize, tinyConfig.hidden_size], 1));
  await writeTensors(join(folder.path, path, 'model.safetensors'), tensors);
}

/** Writes a PEFT adapter over the model's query projections below the folder. */
export async function writeAdapter(folder: TemporaryFolder, path: string, base: string): Promise<void> {
  const lora = { loraRank: 2, loraAlpha: 4, useRslora: false, targetModules: ['q_proj'] };
  folder.write({ [join(path, 'adapter_config.json')]: JSON.stringify(peftConfig(lora, base)) });
  const prefix = 'base_model.model.model.layers.0.self_attn.q_proj';
  const tensors = new Map([
    [`${prefix}.lora_A.weight`, randomTensor([2, tinyConfig.hidden_size], 2)],
    [`${prefix}.lora_B.weight`, randomTensor([40, 2], 3)],
  ]);
  await writeTensors(join(folder.path, path, 'adapter_model.safetensors'), tensors);
}

const tinyConfig = {
  architectures: ['Qwen3ForCausalLM'],
  model_type: 'qwen3',
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 10,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-6,
  rope_theta: 10_000,
  tie_word_embeddings: true,
};

function randomTensor(shape: readonly number[], key: number): NamedTensor {
  const rng = new Rng(key);
  const size = shape.reduce((product, axis) => product * axis, 1);
  return { shape, values: Float32Array.from({ length: size }, () => rng.normal()) };
}
