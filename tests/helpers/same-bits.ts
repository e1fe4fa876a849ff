/** How many entries of two arrays differ in any bit; all when their lengths differ. Quick for long ones. */
export function differingBits(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.max(a.length, b.length);
  const [left, right] = [a, b].map(({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length));
  let count = 0;
  for (let i = 0; i < a.length; i++) if (left?.[i] !== right?.[i]) count++;
  return count;
}
