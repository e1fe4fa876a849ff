import { describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats, type WrittenDtype } from '../../../../core/model/safetensors/float-formats.js';
import { Rng } from '../../../../core/rng.js';

const patterns = Uint16Array.from({ length: 65_536 }, (_, i) => i);

function decode(dtype: 'F16' | 'BF16', halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  decodeFloats(dtype, new Uint8Array(halves.buffer), values);
  return values;
}

function encode(dtype: WrittenDtype, values: readonly number[]): { halves: number[]; tooLarge: number } {
  const bytes = new Uint8Array(2 * values.length);
  const tooLarge = encodeFloats(dtype, Float32Array.from(values), bytes);
  return { halves: [...new Uint16Array(bytes.buffer)], tooLarge };
}

/** IEEE 754 binary16 by its definition. */
function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** The pattern nearest to a finite value that is in range, the even one of two, by trying all. */
function nearest(value: number, decoded: Float32Array): number {
  let best = 0;
  for (let half = 0; half < 0x7f80 && decoded[half]! < Number.POSITIVE_INFINITY; half++) {
    const [distance, least] = [Math.abs(decoded[half]! - value), Math.abs(decoded[best]! - value)];
    if (distance < least || (distance === least && half % 2 === 0)) best = half;
  }
  return best;
}

describe('float16', () => {
  it('is decoded exactly, all 65,536 patterns', () => {
    expect(decode('F16', patterns)).toEqual(Float32Array.from(patterns, halfValue));
  });

  it('keeps the bits of NaN, and the sign of zero', () => {
    const bits = new Uint32Array(decode('F16', Uint16Array.of(0x7e01, 0xfc01, 0x8000)).buffer);
    expect([...bits]).toEqual([0x7fc02000, 0xff802000, 0x80000000]);
  });

  it('comes back from float32 as it was, NaN as NaN', () => {
    const { halves } = encode('F16', [...decode('F16', patterns)]);
    expect(halves.filter((half, i) => half !== i && !Number.isNaN(halfValue(i)))).toEqual([]);
    expect(halves.every((half, i) => Number.isNaN(halfValue(half)) === Number.isNaN(halfValue(i)))).toBe(true);
  });

  it('rounds to nearest, ties to even', () => {
    const { halves } = encode('F16', [
      2049,
      2051,
      1 + 2 ** -11 + 2 ** -20,
      65519.99,
      2 ** -25,
      2 ** -25 * 1.0001,
      2 ** -24 * 1.5,
    ]);
    expect(halves.map(halfValue)).toEqual([2048, 2052, 1 + 2 ** -10, 65504, 0, 2 ** -24, 2 ** -23]);
  });

  it('takes no finite value from 65,520 on, and infinities', () => {
    expect(encode('F16', [1, -65520, 2]).tooLarge).toBe(1);
    const { halves, tooLarge } = encode('F16', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    expect({ halves, tooLarge }).toEqual({ halves: [0x7c00, 0xfc00, 0x7e00], tooLarge: -1 });
  });
});

describe('bfloat16', () => {
  it('is the upper half of float32', () => {
    const bits = new Uint32Array(decode('BF16', patterns).buffer);
    expect(bits.every((value, i) => value === i * 65_536)).toBe(true);
  });

  it('rounds to nearest, ties to even', () => {
    const { halves } = encode('BF16', [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -(1 + 2 ** -8)]);
    expect(halves).toEqual([0x3f80, 0x3f82, 0x3f81, 0xbf80]);
  });

  it('takes no finite value that rounds to infinity, and infinities', () => {
    expect(encode('BF16', [3.38e38, -3.4e38]).tooLarge).toBe(1);
    const { halves } = encode('BF16', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
    expect(halves).toEqual([0x7f80, 0xff80, 0x7fc0]);
  });
});

it.each(['F16', 'BF16'] as const)('%s of random values is the nearest pattern', (dtype) => {
  const rng = new Rng(5);
  const values = Array.from({ length: 60 }, () => Math.fround(2 ** (rng.float() * 44 - 28)));
  const decoded = decode(dtype, patterns);
  expect(encode(dtype, values).halves).toEqual(values.map((value) => nearest(value, decoded)));
});

it('float64 is rounded to the nearest float32', () => {
  const values = new Float32Array(3);
  decodeFloats('F64', new Uint8Array(Float64Array.of(1 / 3, -1e-45, 16777217).buffer), values);
  expect([...values]).toEqual([Math.fround(1 / 3), -(2 ** -149), 16777216]);
});
