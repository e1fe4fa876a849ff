import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ggufArchitectures, ggufName } from '../../../../core/model/gguf/names.js';
import { openGguf } from '../../../../core/model/gguf/read-gguf.js';
import { fromGgufValues, toGgufValues } from '../../../../core/model/gguf/transforms.js';
import { openModelDirectory } from '../../../../core/model/safetensors/model-directory.js';
import { differingBits } from '../../../helpers/same-bits.js';

const fixtures = join(import.meta.dirname, '../../../fixtures/gguf');
const signal = new AbortController().signal;

test.each(ggufArchitectures)('values of a %s checkpoint become those of its GGUF file', async (architecture) => {
  await using file = await openGguf(join(fixtures, `${architecture}.gguf`), signal);
  await using checkpoint = await openModelDirectory(join(fixtures, architecture), signal);
  const context = { architecture, numAttentionHeads: 4, numKeyValueHeads: 2 };
  for (const [name, { shape }] of checkpoint.tensors) {
    const values = toGgufValues(context, { name, shape, values: await checkpoint.read(name, signal) });
    expect(differingBits(values, await file.read(ggufName(architecture, name) ?? '', signal)), name).toBe(0);
  }
});

test('rows of a llama head stand in pairs in GGUF and in halves at Hugging Face', () => {
  const context = { architecture: 'llama', numAttentionHeads: 2, numKeyValueHeads: 1 } as const;
  const tensor = (values: readonly number[]) => ({
    name: 'model.layers.0.self_attn.q_proj.bias',
    shape: [values.length],
    values: Float32Array.from(values),
  });
  expect([...fromGgufValues(context, tensor([0, 1, 2, 3, 4, 5, 6, 7]))]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
  expect([...toGgufValues(context, tensor([0, 2, 1, 3, 4, 6, 5, 7]))]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('a norm of Gemma that came from GGUF goes back to the same bits', () => {
  const context = { architecture: 'gemma3', numAttentionHeads: 1, numKeyValueHeads: 1 } as const;
  const original = Float32Array.from({ length: 4000 }, (_, i) => Math.exp((i - 1000) / 500));
  const tensor = { name: 'model.norm.weight', shape: [4000] };
  const read = fromGgufValues(context, { ...tensor, values: original.slice() });
  const written = toGgufValues(context, { ...tensor, values: read.slice() });
  const again = fromGgufValues(context, { ...tensor, values: written.slice() });
  expect(differingBits(read, again)).toBe(0);
  expect(written.every((value, i) => Math.abs(value - (original[i] ?? 0)) <= 2 ** -24)).toBe(true);
});
