import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../../core/model/safetensors.js';

const tensors = new Map([
  ['b', { shape: [2, 3], values: Float32Array.of(1, -2, 3.5, 1e-38, -0, 3e38) }],
  ['empty', { shape: [0, 4], values: new Float32Array(0) }],
  ['a', { shape: [], values: Float32Array.of(Math.PI) }],
]);

/** A file with this header and as many zero bytes of values. */
function file(header: unknown, bodyBytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bodyBytes)]);
}

const entry = (shape: number[], start: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [start, end] });

describe('safetensors', () => {
  it('come back bit for bit, whatever their shapes', () => {
    expect(new Map(decodeSafetensors(encodeSafetensors(tensors), 'file'))).toEqual(tensors);
  });

  it('start their values at a multiple of 8 bytes', () => {
    for (let length = 0; length < 8; length++) {
      const bytes = encodeSafetensors(new Map([['x'.repeat(length + 1), { shape: [1], values: Float32Array.of(1) }]]));
      expect(Number(bytes.readBigUInt64LE(0)) % 8).toBe(0);
    }
  });

  it('are read in any order and with metadata, as other programs write them', () => {
    const header = { __metadata__: { format: 'pt' }, late: entry([1], 4, 8), early: entry([1], 0, 4) };
    expect([...decodeSafetensors(file(header, 8), 'file').keys()].sort()).toEqual(['early', 'late']);
  });

  it('do not share memory with the file they were read from', () => {
    const bytes = encodeSafetensors(tensors);
    const read = decodeSafetensors(bytes, 'file');
    bytes.fill(0);
    expect(read.get('a')?.values[0]).toBeCloseTo(Math.PI, 6);
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['a cut length', Buffer.alloc(7)],
    ['a header that is longer than the file', Buffer.from('ffffffffffffffff00', 'hex')],
    ['a header that is no JSON', file('{"a":', 0)],
    ['a header that is a list', file([], 0)],
    ['another dtype', file({ a: { ...entry([2], 0, 4), dtype: 'F16' } }, 4)],
    ['a tensor that is only strings', file({ a: { dtype: 'F32' } }, 0)],
    ['a negative axis', file({ a: entry([-1], 0, 4) }, 4)],
    ['an axis that is no integer', file({ a: entry([0.5, 2], 0, 4) }, 4)],
    ['a negative offset', file({ a: entry([1], -4, 0) }, 4)],
    ['offsets that do not fit the shape', file({ a: entry([2], 0, 4) }, 4)],
    ['a shape larger than any number', file({ a: entry([2 ** 52, 2 ** 52], 0, 4) }, 4)],
    ['values that end before their tensor', file({ a: entry([2], 0, 8) }, 4)],
    ['two tensors over the same values', file({ a: entry([1], 0, 4), b: entry([1], 0, 4) }, 4)],
    ['a gap between tensors', file({ a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12)],
    ['values that belong to no tensor', file({ a: entry([1], 0, 4) }, 8)],
  ])('with %s are a ConfigError that names the file', (_, bytes) => {
    const read = () => decodeSafetensors(bytes, 'runs/model.safetensors');
    expect(read).toThrow(ConfigError);
    expect(read).toThrow('runs/model.safetensors');
  });

  it('that are cut off anywhere are a ConfigError', () => {
    const bytes = encodeSafetensors(tensors);
    for (let length = 0; length < bytes.length; length += 5) {
      expect(() => decodeSafetensors(bytes.subarray(0, length), 'file')).toThrow(ConfigError);
    }
  });
});
