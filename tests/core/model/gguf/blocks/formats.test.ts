import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { f16 } from '../../../../../core/model/gguf/blocks/floats.js';
import { blockFormats, formatName } from '../../../../../core/model/gguf/blocks/formats.js';
import { halfAt } from '../../../../../core/model/gguf/blocks/half.js';
import { openGguf } from '../../../../../core/model/gguf/read-gguf.js';

const folder = join(import.meta.dirname, '../../../../fixtures/gguf');
const signal = new AbortController().signal;
const expected = z.record(z.string(), z.base64()).parse(JSON.parse(readFileSync(join(folder, 'blocks.json'), 'utf8')));

test('every format has reference values', () => {
  expect([...blockFormats.values()].map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
});

test.each(Object.keys(expected))('%s decodes to the bits that gguf.quants has', async (name) => {
  await using file = await openGguf(join(folder, 'blocks.gguf'), signal);
  const values = await file.read(name, signal);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  expect(file.tensors.get(name)?.shape).toEqual([2, 512]);
  expect(bytes.equals(Buffer.from(expected[name] ?? '', 'base64'))).toBe(true);
});

test('a scale of 16 bits is the same number as a value of 16 bits', () => {
  const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const bytes = new Uint8Array(halves.buffer);
  const values = new Float32Array(65_536);
  f16.decode(bytes, values);
  expect(halves.every((half) => Object.is(halfAt(bytes, 2 * half), values[half]))).toBe(true);
});

test('types that cannot be read have names for messages', () => {
  expect([formatName(21), formatName(4711)]).toEqual(['IQ3_S', 'number 4711']);
});
