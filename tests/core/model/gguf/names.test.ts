import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ggufArchitecture, ggufArchitectures, ggufName, huggingFaceName } from '../../../../core/model/gguf/names.js';
import { openGguf } from '../../../../core/model/gguf/read-gguf.js';

const fixtures = join(import.meta.dirname, '../../../fixtures/gguf');
const signal = new AbortController().signal;

test.each(ggufArchitectures)('each tensor of a %s model keeps its name there and back', async (architecture) => {
  await using file = await openGguf(join(fixtures, `${architecture}.gguf`), signal);
  const names = [...file.tensors.keys()].filter((name) => name !== 'rope_freqs.weight');
  const there = names.map((name) => huggingFaceName(architecture, name) ?? '');
  expect(there).not.toContain('');
  expect(there.map((name) => ggufName(architecture, name))).toEqual(names);
});

test('one GGUF name means another norm in Gemma than in Llama', () => {
  expect(huggingFaceName('llama', 'blk.11.ffn_norm.weight')).toBe('model.layers.11.post_attention_layernorm.weight');
  expect(huggingFaceName('gemma2', 'blk.11.ffn_norm.weight')).toBe('model.layers.11.pre_feedforward_layernorm.weight');
});

test.each(['blk.01.attn_q.weight', 'blk.0.attn_q_norm.weight', 'blk.0.attn_q', 'output', 'blk.-1.attn_q.weight', 'x'])(
  'llama has no tensor %s',
  (name) => expect(huggingFaceName('llama', name)).toBeUndefined(),
);

test.each([
  'model.layers.0.self_attn.rotary_emb.inv_freq',
  'model.layers.0.mlp.weight',
  'lm_head',
  'blk.0.attn_q.weight',
])('GGUF has no name for %s', (name) => expect(ggufName('llama', name)).toBeUndefined());

test('an architecture that is not known is answered with those that are', () => {
  expect(ggufArchitecture('gemma3', 'x')).toBe('gemma3');
  expect(() => ggufArchitecture('mamba', 'x.gguf')).toThrow(/x\.gguf .*"mamba".*llama, qwen2, qwen3, gemma2, gemma3/);
  expect(() => ggufArchitecture(undefined, 'x.gguf')).toThrow(/no general.architecture/);
});
