/**
 * Uniform number in [0, 1) of 24 random bits that depends on key and counter alone, so that a stream can be entered anywhere.
 * @param key 32 bits; others are cut to them
 * @param counter 32 bits, likewise
 */
export function philoxUniform(key: number, counter: number): number {
  const [word] = philox([counter, 0, 0, 0], [key, 0]);
  return (word >>> 8) / 2 ** 24;
}

type Words4 = readonly [number, number, number, number];

/** Philox4x32-10 (Salmon et al., SC 2011, section 3.3): four words of 32 bits from a counter and a key. */
export function philox(counter: Words4, key: readonly [number, number]): Words4 {
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < 10; round++) {
    const left = Math.imul(0xd2511f53, a);
    const right = Math.imul(0xcd9e8d57, c);
    [a, b, c, d] = [highProduct(0xcd9e8d57, c) ^ b ^ k, right, highProduct(0xd2511f53, a) ^ d ^ l, left];
    k = (k + 0x9e3779b9) | 0;
    l = (l + 0xbb67ae85) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

/** The upper 32 bits of the 64-bit product of two unsigned words. */
function highProduct(x: number, y: number): number {
  const [x0, x1] = [x & 0xffff, x >>> 16];
  const [y0, y1] = [y & 0xffff, y >>> 16];
  const cross = x1 * y0 + ((x0 * y0) >>> 16); // below 2^32
  return x1 * y1 + (cross >>> 16) + ((x0 * y1 + (cross & 0xffff)) >>> 16);
}
