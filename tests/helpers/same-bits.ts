/** How many entries of two arrays differ in any bit; all when their lengths differ. Quick for long ones. */
export function differingBits(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  const [left, right] = [a, b].map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
  let count = 0;
  for (let i = 0; i < a.length; i++) if (left?.[i] !== right?.[i]) count++;
  return count;
}

/** The largest difference from the expected values, in units of 1 + |expected|; NaN when there is one. Quick for long arrays. */
export function largestError(actual: Float32Array, expected: Float64Array): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const value = expected[i] ?? Number.NaN;
    largest = Math.max(largest, Math.abs((actual[i] ?? Number.NaN) - value) / (1 + Math.abs(value)));
  }
  return largest;
}
