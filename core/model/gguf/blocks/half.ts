const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** The 16-bit float whose two bytes (little endian) stand at `at`. */
export function halfAt(bytes: Uint8Array, at: number): number {
  bits[0] = halfToFloatBits((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  return value[0] ?? 0;
}

/** The bits of the float32 that equals the 16-bit float with these bits; the payload of NaN is kept. */
export function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}
