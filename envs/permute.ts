import { assert } from '../core/errors.js';
import { rngKey } from '../core/rng.js';

const ROUNDS = 6;

/**
 * Where `index` goes in a shuffle of [0, size) named by `key`: a bijection, computed without holding the shuffle.
 * A Feistel network over the next power of four, walked until it lands inside (Black and Rogaway, CT-RSA 2002,
 * cycle-walking cipher). Size up to 2^52.
 */
export function permute(index: number, size: number, key: number): number {
  assert(index >= 0 && index < size && size <= 2 ** 52, `${index} of ${size} cannot be shuffled`);
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  let position = index;
  do position = feistel(position, 2 ** halfBits, key);
  while (position >= size);
  return position;
}

/** A bijection of [0, half²); `half` is a power of two up to 2^26. */
function feistel(value: number, half: number, key: number): number {
  let left = Math.floor(value / half);
  let right = value % half;
  for (let round = 0; round < ROUNDS; round++) {
    const mixed = (left ^ rngKey(key, round, right)) & (half - 1);
    left = right;
    right = mixed;
  }
  return left * half + right;
}
