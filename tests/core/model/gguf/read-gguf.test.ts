import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../../core/errors.js';
import { type GgufFile, openGguf } from '../../../../core/model/gguf/read-gguf.js';
import { entry, type GgufParts, ggufBytes, tensorInfo, text, u32, u64 } from '../../../helpers/gguf-bytes.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';

const fixtures = join(import.meta.dirname, '../../../fixtures/gguf');
const signal = new AbortController().signal;

test('every type of metadata value is read as it was written', async () => {
  await using file = await openGguf(join(fixtures, 'blocks.gguf'), signal);
  const values = [...file.metadata].filter(([key]) => key.startsWith('test.')).map(([, value]) => value);
  expect(values).toEqual([
    ...[255, -128, 65_535, -32_768, 2 ** 32 - 1, -(2 ** 31), 2n ** 64n - 1n, -5],
    ...[0.5, Math.PI, true, 'größer 🦙', ['\ufeff', '\ufeffa', '', '__proto__'], [1, -2, 3]],
  ]);
  expect(file.metadata.get('__proto__')).toBe('a key like others');
});

test('metadata and tensors are those that @huggingface/gguf finds', async () => {
  const path = join(fixtures, 'gemma3.gguf');
  await using file = await openGguf(path, signal);
  const { metadata, tensorInfos, tensorDataOffset } = await gguf(path, { allowLocalFile: true });
  const { version, tensor_count, kv_count, ...found } = metadata;
  expect(Object.fromEntries(file.metadata)).toEqual(found);
  expect([...file.tensors].map(([name, { shape, offset }]) => ({ name, shape, offset }))).toEqual(
    tensorInfos.map(({ name, shape, offset }) => ({
      name,
      shape: shape.map(Number).reverse(),
      offset: Number(tensorDataOffset + offset),
    })),
  );
});

test('a header longer than the first read is read whole', async () => {
  const token = text('t'.repeat(200));
  const vocabulary = Buffer.concat([u32(8), u64(30_000n), ...Array.from({ length: 30_000 }, () => token)]);
  using folder = new TemporaryFolder();
  await using file = await open(folder, { entries: [entry('tokens', 9, vocabulary)] });
  expect(file.metadata.get('tokens')).toMatchObject({ length: 30_000 });
});

test('a tensor larger than one read is read whole', async () => {
  const values = Float32Array.from({ length: 700_001 }, (_, i) => i);
  using folder = new TemporaryFolder();
  await using file = await open(folder, {
    infos: [tensorInfo('x', [700_001n])],
    data: Buffer.from(values.buffer),
  });
  const read = await file.read('x', signal);
  expect(Buffer.from(values.buffer).equals(Buffer.from(read.buffer))).toBe(true);
});

test('an unknown tensor, a missing file and a folder are the user’s fault', async () => {
  await using file = await openGguf(join(fixtures, 'blocks.gguf'), signal);
  await expect(file.read('none', signal)).rejects.toThrow(/has no tensor none/);
  await expect(openGguf(join(fixtures, 'none.gguf'), signal)).rejects.toThrow(ConfigError);
  await expect(openGguf(fixtures, signal)).rejects.toThrow(/is no file/);
});

test('a cancelled read ends with the reason of the cancellation', async () => {
  await using file = await openGguf(join(fixtures, 'blocks.gguf'), signal);
  await expect(file.read('F32', AbortSignal.abort('enough'))).rejects.toBe('enough');
  await expect(openGguf(join(fixtures, 'blocks.gguf'), AbortSignal.abort('enough'))).rejects.toBe('enough');
});

test('closing twice is closing once', async () => {
  const file = await openGguf(join(fixtures, 'blocks.gguf'), signal);
  await file[Symbol.asyncDispose]();
  await file[Symbol.asyncDispose]();
});

const data = Buffer.alloc(64);
const twice = [tensorInfo('x', [8n]), tensorInfo('x', [8n], { offset: 32n })];
const array = (type: number, length: bigint) => [entry('a', 9, Buffer.concat([u32(type), u64(length)]))];

test.each<[what: string, parts: GgufParts, message: RegExp]>([
  ['another kind of file', { magic: 'GGML' }, /does not begin with GGUF/],
  ['version 1', { version: 1 }, /version is 1/],
  ['big endian', { version: 3 << 24 }, /big endian/],
  ['more tensors than any model has', { tensorCount: 2n ** 63n }, /9223372036854775808 tensors/],
  ['more tensors than are there', { tensorCount: 60_000n }, /header does not end/],
  ['more keys than are there', { keyCount: 60_000n }, /header does not end/],
  ['a text longer than the file', { entries: [entry('a', 8, u64(2n ** 30n))] }, /header does not end/],
  ['a text of absurd length', { entries: [entry('a', 8, u64(2n ** 64n - 1n))] }, /bytes in a/],
  ['an absurd array', { entries: array(0, 2n ** 40n) }, /values in a/],
  ['an array of arrays', { entries: array(9, 1n) }, /array of arrays/],
  ['an unknown type of value', { entries: [entry('a', 13, u32(0))] }, /unknown type 13/],
  ['a key twice', { entries: [entry('a', 4, u32(0)), entry('a', 4, u32(0))] }, /key a stands in it twice/],
  ['an odd alignment', { entries: [entry('general.alignment', 4, u32(24))] }, /not a power of two/],
  ['no alignment', { entries: [entry('general.alignment', 4, u32(0))] }, /not a power of two/],
  ['a tensor twice', { infos: twice, data }, /tensor x stands in it twice/],
  ['no dimensions', { infos: [tensorInfo('x', [])], data }, /0 dimensions/],
  ['five dimensions', { infos: [tensorInfo('x', [1n, 1n, 1n, 1n, 1n])], data }, /5 dimensions/],
  ['an empty dimension', { infos: [tensorInfo('x', [8n, 0n])], data }, /dimensions 8 x 0/],
  ['values behind the end', { infos: [tensorInfo('x', [17n])], data }, /file has/],
  ['a product beyond 64 bits', { infos: [tensorInfo('x', Array(4).fill(2n ** 63n))], data }, /file has/],
  ['an offset behind the end', { infos: [tensorInfo('x', [8n], { offset: 2n ** 64n - 32n })], data }, /file has/],
  ['an offset between the places', { infos: [tensorInfo('x', [8n], { offset: 4n })], data }, /no multiple of 32/],
  ['part of a block', { infos: [tensorInfo('x', [16n], { type: 2 })], data }, /no whole number of blocks of 32/],
  ['an unreadable type', { infos: [tensorInfo('x', [256n], { type: 23 })], data }, /tensor x .* IQ4_XS.* Q4_K/],
  ['shared bytes', { infos: [tensorInfo('x', [16n]), tensorInfo('y', [8n])], data }, /overlaps/],
])('%s is refused', async (_, parts, message) => {
  using folder = new TemporaryFolder();
  const error: unknown = await open(folder, parts).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toMatch(message);
});

async function open(folder: TemporaryFolder, parts: GgufParts): Promise<GgufFile> {
  const path = join(folder.path, 'x.gguf');
  writeFileSync(path, ggufBytes(parts));
  return openGguf(path, signal);
}
