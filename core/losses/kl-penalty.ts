import * as tf from '@tensorflow/tfjs-core';

/** verl's names, aliases side by side; with `+` the value is the named estimator's and the gradient that of k2. */
export const klPenalties = [
  'kl',
  'k1',
  'abs',
  'mse',
  'k2',
  'low_var_kl',
  'k3',
  'kl+',
  'k1+',
  'low_var_kl+',
  'k3+',
] as const;
export type KlPenalty = (typeof klPenalties)[number];

/**
 * Estimates KL(π, π_ref) at each sampled token (Schulman, "Approximating KL divergence", 2020: k1, k2, k3), d = log π − log π_ref:
 * k1 = d, abs = |d|, k2 = d²/2, k3 = exp(−d) + d − 1. As in verl, k3 clamps d to ±20 and itself to ±10. The gradient flows to
 * `logProbs` only. The gradient of k1 and k3 in expectation is not that of the KL; that of k2 is, which is what the names with `+` take.
 * @param logProbs [M] float32
 * @param refLogProbs [M] float32
 * @returns [M] float32
 */
export function klPenalty(type: KlPenalty, logProbs: tf.Tensor1D, refLogProbs: tf.Tensor1D): tf.Tensor1D {
  const { estimator, isStraightThrough } = parse(type);
  if (!isStraightThrough) return penalty(estimator, tf.sub<tf.Tensor1D>(logProbs, refLogProbs), tensors);
  const straightThrough = tf.customGrad<tf.Tensor1D>((...xAndSave) => {
    const [x, save] = xAndSave;
    if (!(x instanceof tf.Tensor) || typeof save !== 'function')
      throw new Error('tfjs changed the contract of customGrad');
    const d: tf.Tensor1D = tf.sub(x, refLogProbs); // [M]
    save([d]);
    const gradFunc = (dy: tf.Tensor1D, saved: tf.Tensor[]) => saved.map((difference) => tf.mul(dy, difference));
    return { value: penalty(estimator, d, tensors), gradFunc };
  });
  return straightThrough(logProbs);
}

/** The same estimates as plain numbers, one entry a token: for penalties in the reward. */
export function klPenaltyValues(
  type: KlPenalty,
  logprobs: readonly number[],
  refLogprobs: readonly number[],
): number[] {
  const { estimator } = parse(type);
  return logprobs.map((logprob, t) => penalty(estimator, logprob - (refLogprobs[t] ?? Number.NaN), numbers));
}

export function isKlPenalty(name: string): name is KlPenalty {
  return klPenalties.some((known) => known === name);
}

type Estimator = 'k1' | 'abs' | 'k2' | 'k3';

function parse(type: KlPenalty): { readonly estimator: Estimator; readonly isStraightThrough: boolean } {
  const isStraightThrough = type.endsWith('+');
  switch (type) {
    case 'kl':
    case 'k1':
    case 'kl+':
    case 'k1+':
      return { estimator: 'k1', isStraightThrough };
    case 'abs':
      return { estimator: 'abs', isStraightThrough };
    case 'mse':
    case 'k2':
      return { estimator: 'k2', isStraightThrough };
    case 'low_var_kl':
    case 'k3':
    case 'low_var_kl+':
    case 'k3+':
      return { estimator: 'k3', isStraightThrough };
    default:
      return type satisfies never;
  }
}

/** What the estimators are made of, for numbers and for tensors. */
interface Arithmetic<X> {
  add(a: X, b: X): X;
  scale(x: X, factor: number): X;
  plus(x: X, term: number): X;
  abs(x: X): X;
  square(x: X): X;
  exp(x: X): X;
  clip(x: X, bound: number): X;
}

function penalty<X>(estimator: Estimator, d: X, { add, scale, plus, abs, square, exp, clip }: Arithmetic<X>): X {
  switch (estimator) {
    case 'k1':
      return d;
    case 'abs':
      return abs(d);
    case 'k2':
      return scale(square(d), 0.5);
    case 'k3': {
      const clamped = clip(d, 20);
      return clip(plus(add(exp(scale(clamped, -1)), clamped), -1), 10);
    }
    default:
      return estimator satisfies never;
  }
}

const numbers: Arithmetic<number> = {
  add: (a, b) => a + b,
  scale: (x, factor) => x * factor,
  plus: (x, term) => x + term,
  abs: Math.abs,
  square: (x) => x * x,
  exp: Math.exp,
  clip: (x, bound) => Math.min(Math.max(x, -bound), bound),
};

const tensors: Arithmetic<tf.Tensor1D> = {
  add: (a, b) => tf.add(a, b),
  scale: (x, factor) => tf.mul(x, factor),
  plus: (x, term) => tf.add(x, term),
  abs: (x) => tf.mul(x, tf.sign(x)), // at 0 the slope of tf.abs is -1, that of this 0
  square: (x) => tf.square(x),
  exp: (x) => tf.exp(x),
  clip: (x, bound) => tf.clipByValue(x, -bound, bound),
};
