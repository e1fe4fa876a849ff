/** Formats of numbers that are read as float32. */
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';

/** Formats of numbers that float32 is written as. */
export type WrittenDtype = 'F32' | 'F16' | 'BF16';

/**
 * Fills the target with the numbers that stand in the bytes, little endian, from a place that is a multiple of 8 in their buffer.
 * All but F64 are exact, with infinities and the bits of NaN; F64 is rounded to nearest, beyond float32's range to infinity.
 */
export function decodeFloats(dtype: FloatDtype, { buffer, byteOffset }: Uint8Array, target: Float32Array): void {
  if (dtype === 'F64') target.set(new Float64Array(buffer, byteOffset, target.length));
  else if (dtype === 'F32') target.set(new Float32Array(buffer, byteOffset, target.length));
  else if (dtype === 'F16') decodeHalves(new Uint16Array(buffer, byteOffset, target.length), bitsOf(target));
  else if (dtype === 'BF16') decodeBrainFloats(new Uint16Array(buffer, byteOffset, target.length), bitsOf(target));
  else dtype satisfies never;
}

/**
 * Fills the bytes, as `decodeFloats` reads them, with the values, rounded to nearest, ties to even. Returns the index of the first
 * finite value that rounds to infinity, where it stops, or -1. Infinities stay, NaN stays NaN.
 */
export function encodeFloats(dtype: WrittenDtype, values: Float32Array, { buffer, byteOffset }: Uint8Array): number {
  switch (dtype) {
    case 'F32':
      new Float32Array(buffer, byteOffset, values.length).set(values);
      return -1;
    case 'F16':
      return encodeHalves(bitsOf(values), new Uint16Array(buffer, byteOffset, values.length));
    case 'BF16':
      return encodeBrainFloats(bitsOf(values), new Uint16Array(buffer, byteOffset, values.length));
    default:
      return dtype satisfies never;
  }
}

/** The same memory, seen as the bits of its numbers. */
function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

function decodeHalves(source: Uint16Array, target: Uint32Array): void {
  const table = halfTable();
  for (let i = 0; i < target.length; i++) target[i] = table[source[i] ?? 0] ?? 0;
}

function decodeBrainFloats(source: Uint16Array, target: Uint32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (source[i] ?? 0) << 16;
}

let halves: Uint32Array | undefined;

/** The bits in float32 of each of the 65,536 halves; made when first asked for. */
function halfTable(): Uint32Array {
  halves ??= Uint32Array.from({ length: 65_536 }, (_, half) => widenHalf(half));
  return halves;
}

function widenHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const top = 31 - Math.clz32(fraction); // fraction · 2^-24 lies in [2^(top - 24), 2^(top - 23))
  return sign | ((top + 103) << 23) | ((fraction << (23 - top)) & 0x7fffff);
}

function encodeHalves(source: Uint32Array, target: Uint16Array): number {
  for (let i = 0; i < source.length; i++) {
    const bits = source[i] ?? 0;
    const half = narrowToHalf(bits & 0x7fffffff);
    if (half === 0x7c00 && (bits & 0x7fffffff) !== 0x7f800000) return i;
    target[i] = ((bits >>> 16) & 0x8000) | half;
  }
  return -1;
}

/** Of the bits of a float32 that is not negative. */
function narrowToHalf(bits: number): number {
  if (bits > 0x7f800000) return 0x7e00 | ((bits >>> 13) & 0x3ff);
  if (bits >= 0x477ff000) return 0x7c00; // 65,520 and more
  if (bits >= 0x38800000) return (bits - 0x38000000 + 0xfff + ((bits >>> 13) & 1)) >>> 13;
  if (bits <= 0x33000000) return 0; // up to half of the least subnormal, 2^-24
  const shift = 126 - (bits >>> 23);
  const significand = (bits & 0x7fffff) | 0x800000;
  const kept = significand >>> shift;
  const lost = significand & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return lost > middle || (lost === middle && (kept & 1) === 1) ? kept + 1 : kept;
}

function encodeBrainFloats(source: Uint32Array, target: Uint16Array): number {
  for (let i = 0; i < source.length; i++) {
    const bits = source[i] ?? 0;
    const magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x7f7f8000 && magnitude < 0x7f800000) return i;
    target[i] = magnitude > 0x7f800000 ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  return -1;
}
