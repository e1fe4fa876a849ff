import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../../../core/errors.js';
import { openSafetensors } from '../../../../core/model/safetensors/read-safetensors.js';
import { readTensors } from '../../../helpers/safetensors-files.js';
import { TemporaryFolder } from '../../../helpers/temporary-folder.js';
import { never } from '../../../helpers/tiny-policy.js';

const fixture = (name: string) => join(import.meta.dirname, '../../../fixtures/safetensors', name);

/** A file with this header and as many zero bytes of values. */
function file(header: unknown, bodyBytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bodyBytes)]);
}

const entry = (shape: number[], start: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [start, end] });
const text = (start: number) => `{"dtype":"F32","shape":[1],"data_offsets":[${start},${start + 4}]}`;

/** Opens a file of these bytes and reads all its floats. */
async function readBytes(bytes: Buffer): Promise<string[]> {
  using folder = new TemporaryFolder();
  const path = join(folder.path, 'model.safetensors');
  writeFileSync(path, bytes);
  return [...(await readTensors(path)).keys()];
}

describe('a file that safetensors for Python wrote', () => {
  it('is read to the same numbers in every float format', async () => {
    await using file = await openSafetensors(fixture('floats.safetensors'), never);
    const expected = z
      .record(z.string(), z.array(z.int()))
      .parse(JSON.parse(readFileSync(fixture('floats.json'), 'utf8')));
    for (const [name, bits] of Object.entries(expected)) {
      const values = await file.read(name, never);
      expect([name, values]).toEqual([name, new Float32Array(Uint32Array.from(bits).buffer)]);
    }
    expect(Object.keys(expected)).toContain('bf16');
  });

  it('says its shapes, dtypes and metadata', async () => {
    await using file = await openSafetensors(fixture('floats.safetensors'), never);
    expect(file.tensors.get('f64')).toMatchObject({ dtype: 'F64', shape: [3, 6] });
    expect(file.tensors.get('scalar')).toMatchObject({ dtype: 'F32', shape: [] });
    expect(Object.fromEntries(file.metadata)).toEqual({ format: 'pt', 'made by': 'safetensors' });
  });

  it.each(['i64', 'bool'])('may hold %s, which are no weights', async (name) => {
    await using file = await openSafetensors(fixture('floats.safetensors'), never);
    const read = file.read(name, never);
    await expect(read).rejects.toThrow(ConfigError);
    await expect(read).rejects.toThrow(`${name} in ${file.path} is ${name.toUpperCase()}`);
  });
});

describe('a safetensors file', () => {
  it('is read in any order of its header', async () => {
    const header = { __metadata__: { format: 'pt' }, late: entry([1], 4, 8), early: entry([1], 0, 4) };
    expect(await readBytes(file(header, 8))).toEqual(['early', 'late']);
  });

  it('has no tensor of another name, not even of what every object has', async () => {
    await using file = await openSafetensors(fixture('floats.safetensors'), never);
    for (const name of ['other', 'constructor', '__metadata__']) {
      await expect(file.read(name, never)).rejects.toThrow(`has no tensor ${name}`);
    }
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['a cut length', Buffer.alloc(7)],
    ['a header that is longer than the file', Buffer.from('ffffffffffffffff00', 'hex')],
    ['a header that is no JSON', file('{"a":', 0)],
    ['a header that is no UTF-8', file('{"a\uD800":1}', 0).fill(0xff, 10, 12)],
    ['a header that starts with a byte order mark', file('\uFEFF{}', 0)],
    ['a header that is a list', file([], 0)],
    ['a header of many levels', file('['.repeat(100_000), 0)],
    ['an unknown dtype', file({ a: { ...entry([1], 0, 4), dtype: 'F31' } }, 4)],
    ['a dtype that is no own one', file({ a: { ...entry([1], 0, 4), dtype: 'constructor' } }, 4)],
    ['a dtype of another width', file({ a: { ...entry([1], 0, 4), dtype: 'F16' } }, 4)],
    ['a tensor that is only strings', file({ a: { dtype: 'F32' } }, 0)],
    ['a tensor that is null', file({ a: null }, 0)],
    ['metadata of numbers', file({ __metadata__: { a: 1 } }, 0)],
    ['a name of a megabyte', file({ ['x'.repeat(1e6)]: entry([1], 0, 4) }, 4)],
    ['a name that moves the cursor', file({ 'a\u001b[2J': entry([1], 0, 4) }, 4)],
    ['a thousand axes', file({ a: entry(Array(1000).fill(1), 0, 4) }, 4)],
    ['a negative axis', file({ a: entry([-1], 0, 4) }, 4)],
    ['an axis that is no integer', file({ a: entry([0.5, 2], 0, 4) }, 4)],
    ['a negative offset', file({ a: entry([1], -4, 0) }, 4)],
    ['an offset that is no exact number', file({ a: entry([1], 2 ** 60, 2 ** 60 + 4) }, 4)],
    ['offsets in the wrong order', file({ a: entry([1], 4, 0) }, 4)],
    ['offsets that do not fit the shape', file({ a: entry([2], 0, 4) }, 4)],
    ['a shape larger than any number', file({ a: entry([2 ** 52, 2 ** 52], 0, 4) }, 4)],
    ['a shape larger than any number, of no values', file({ a: entry([2 ** 52, 2 ** 52, 0], 0, 0) }, 0)],
    ['values that end before their tensor', file({ a: entry([2], 0, 8) }, 4)],
    ['two tensors over the same values', file({ a: entry([1], 0, 4), b: entry([1], 0, 4) }, 4)],
    ['two tensors that overlap', file({ a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12)],
    ['two tensors of one name', file(`{"a":${text(0)},"a":${text(4)}}`, 8)],
    ['two tensors of one name, written differently', file(`{"a":${text(0)},"\\u0061":${text(4)}}`, 8)],
    ['a tensor with two shapes', file('{"a":{"dtype":"F32","shape":[9],"shape":[1],"data_offsets":[0,4]}}', 4)],
    ['a tensor named __proto__', file(`{"__proto__":${text(0)}}`, 4)],
    ['a gap between tensors', file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12)],
    ['values that belong to no tensor', file({ a: entry([1], 0, 4) }, 8)],
  ])('with %s is a ConfigError that names the file', async (_, bytes) => {
    const error: unknown = await readBytes(bytes).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(/model\.safetensors is not a usable safetensors file: \P{Cc}{1,400}$/u);
  });

  it('with a header of more than 100 MB is refused before it is read', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'sparse.safetensors');
    writeFileSync(path, file('{}', 0).fill(0, 0, 8));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(2n ** 40n);
    writeFileSync(path, length);
    truncateSync(path, 2 ** 41);
    await expect(openSafetensors(path, never)).rejects.toThrow(/its header has 1099511627776 bytes, more than/);
  });

  it('that is cut off anywhere is a ConfigError', async () => {
    const bytes = readFileSync(fixture('floats.safetensors'));
    for (let length = 0; length < bytes.length; length += 50) {
      await expect(readBytes(bytes.subarray(0, length))).rejects.toThrow(ConfigError);
    }
  });

  it('that is missing, a directory or a pipe is a ConfigError', async () => {
    using folder = new TemporaryFolder();
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [join(folder.path, 'none'), folder.path, pipe]) {
      const opened = openSafetensors(path, never);
      await expect(opened).rejects.toThrow(ConfigError);
      await expect(opened).rejects.toThrow(path);
    }
  });

  it('that shrinks after it was opened is a ConfigError', async () => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'a.safetensors');
    writeFileSync(path, file({ a: entry([4], 0, 16) }, 16));
    await using opened = await openSafetensors(path, never);
    truncateSync(path, 70);
    await expect(opened.read('a', never)).rejects.toThrow(ConfigError);
  });

  it('is not read once the signal has aborted', async () => {
    await using opened = await openSafetensors(fixture('floats.safetensors'), never);
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(opened.read('f32', aborted)).rejects.toThrow('enough');
    await expect(openSafetensors(opened.path, aborted)).rejects.toThrow('enough');
  });

  it('can be disposed of twice', async () => {
    const opened = await openSafetensors(fixture('floats.safetensors'), never);
    await opened[Symbol.asyncDispose]();
    await opened[Symbol.asyncDispose]();
  });
});
