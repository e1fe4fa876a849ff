import { cpSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { decoderConfig } from '../../core/model/architectures/architectures.js';
import { writeGguf } from '../../core/model/gguf/write-gguf.js';
import type { ModelFiles } from '../../core/model/model-files.js';
import { openModelDirectory } from '../../core/model/safetensors/model-directory.js';
import { openSafetensors } from '../../core/model/safetensors/read-safetensors.js';
import { weightShapes } from '../../core/model/weight-shapes.js';
import { textFilesOf } from '../../core/text/gguf-text.js';
import { fixtureModel, textFiles } from '../helpers/model-directories.js';
import { readWholeGguf } from '../helpers/read-whole-gguf.js';
import type { TemporaryFolder } from '../helpers/temporary-folder.js';
import { never } from '../helpers/tiny-policy.js';

/** A file that users bring, and what reads it. */
export interface FuzzedFormat {
  readonly name: string;
  /** Its part of the cases, for what takes long to read; 1 where it is not given. */
  readonly share?: number;
  /** Writes what is read into the folder; the path of the file in it that is to be damaged. */
  readonly prepare: (folder: TemporaryFolder) => string | Promise<string>;
  /** Reads all of it. Throws ConfigError when it is damaged so that this shows. */
  readonly read: (path: string) => Promise<void>;
}

const floats = join(import.meta.dirname, '../fixtures/safetensors/floats.safetensors');
const ggufs = join(import.meta.dirname, '../fixtures/gguf');
const smollmTokenizer = join(import.meta.dirname, '../fixtures/gguf-text/smollm.json');

export const fuzzedFormats: readonly FuzzedFormat[] = [
  {
    name: 'safetensors',
    prepare: (folder) => copyOf(floats, folder),
    read: async (path) => {
      await using file = await openSafetensors(path, never);
      for (const name of file.tensors.keys()) {
        if (name !== 'i64' && name !== 'bool') await file.read(name, never);
      }
    },
  },
  ...['llama.gguf', 'blocks.gguf'].map((name): FuzzedFormat => {
    return { name, share: 0.5, prepare: (folder) => copyOf(join(ggufs, name), folder), read: readGguf };
  }),
  { name: 'a GGUF file with a tokenizer', prepare: withTokenizer, read: readGguf },
  ...['config.json', 'model.safetensors.index.json', 'tokenizer_config.json', 'generation_config.json'].map((name) =>
    inDirectory(name),
  ),
];

function copyOf(path: string, folder: TemporaryFolder): string {
  const copy = join(folder.path, basename(path));
  cpSync(path, copy);
  return copy;
}

function readGguf(path: string): Promise<void> {
  return readWholeGguf(path, never);
}

/** A small model with the vocabulary of the tiny tokenizer of SmolLM2's kind. */
async function withTokenizer(folder: TemporaryFolder): Promise<string> {
  const path = join(folder.path, 'talking.gguf');
  const { metadata } = tokenizerFixture.parse(JSON.parse(readFileSync(smollmTokenizer, 'utf8')));
  const text = textFilesOf(new Map(Object.entries(metadata)), 'the fixture');
  const vocabSize = metadata['tokenizer.ggml.tokens'].length;
  const config = { ...tinyConfig, vocab_size: vocabSize };
  const shapes = weightShapes(decoderConfig(config, 'the fixture'));
  await writeGguf(
    {
      source: 'the fixture',
      config,
      text,
      tensors: new Map([...shapes].map(([name, shape]) => [name, { shape, dtype: 'F32' }])),
      read: async (name) => new Float32Array((shapes.get(name) ?? []).reduce((a, b) => a * b, 1)).fill(0.5),
      [Symbol.asyncDispose]: async () => {},
    },
    path,
    { dtype: 'F32' },
    never,
  );
  return path;
}

const tinyConfig = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 4,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
};

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.array(z.number())]);
const tokenizerFixture = z.object({
  metadata: z.object({ 'tokenizer.ggml.tokens': z.array(z.string()) }).catchall(value),
});

function inDirectory(name: string): FuzzedFormat {
  return {
    name: `${name} of a directory`,
    share: 0.2,
    prepare: (folder) => {
      cpSync(fixtureModel, folder.path, { recursive: true });
      folder.write({ ...textFiles, 'tokenizer.json': readFileSync(join(fixtureModel, 'config.json'), 'utf8') });
      return join(folder.path, name);
    },
    read: async (path) => {
      await using model = await openModelDirectory(join(path, '..'), never);
      await readAll(model);
    },
  };
}

async function readAll(model: ModelFiles): Promise<void> {
  for (const name of model.tensors.keys()) await model.read(name, never);
}
