import { assert } from '../errors.js';

/**
 * pass@k (arXiv:2107.03374, eq. 1), unbiased: the chance that k of n samples, drawn without replacement, hold one of the c right ones:
 * 1 - C(n-c, k) / C(n, k). Computed as a product, so that large n do not overflow. Needs 0 <= c <= n and 1 <= k <= n.
 */
export function passAtK(n: number, c: number, k: number): number {
  assert(c >= 0 && c <= n && k >= 1 && k <= n, `pass@${k} of ${c} right ones among ${n}`);
  if (n - c < k) return 1;
  let allWrong = 1;
  for (let i = n - c + 1; i <= n; i++) allWrong *= 1 - k / i;
  return 1 - allWrong;
}
