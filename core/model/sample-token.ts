import type { Rng } from '../rng.js';

/** A sampled token and its log_softmax(logits / temperature); temperature 0 takes the likeliest token and counts as 1. */
export interface SampledToken {
  readonly token: number;
  readonly logprob: number;
}

/**
 * Samples from softmax(logits / temperature) by inverting the cumulative sum, in double precision; one random number a token.
 * @param logits [V], finite
 */
export function sampleToken(logits: ArrayLike<number>, temperature: number, rng: Rng): SampledToken {
  const divisor = temperature === 0 ? 1 : temperature;
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (at(logits, i) > at(logits, best)) best = i;
  const max = at(logits, best);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp((at(logits, i) - max) / divisor);
  if (!Number.isFinite(total)) throw new RangeError('logits are not finite: the weights have diverged');
  const token = temperature === 0 ? best : invert(logits, { divisor, max, target: rng.float() * total, best });
  return { token, logprob: (at(logits, token) - max) / divisor - Math.log(total) };
}

function invert(logits: ArrayLike<number>, p: { divisor: number; max: number; target: number; best: number }): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    sum += Math.exp((at(logits, i) - p.max) / p.divisor);
    if (p.target < sum) return i;
  }
  return p.best;
}

function at(values: ArrayLike<number>, i: number): number {
  return values[i] ?? Number.NaN;
}
