const POWERS = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** (exponent - 25));

/** The 16-bit float whose two bytes (little endian) stand at `at`. */
export function halfAt(bytes: Uint8Array, at: number): number {
  const half = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  const sign = half < 0x8000 ? 1 : -1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (fraction + 1024) * (POWERS[exponent] ?? 0);
}
