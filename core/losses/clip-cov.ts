import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Rng } from '../rng.js';
import { type ClipRatios, clippedLosses, clipRatios } from './clip.js';
import { covariances } from './covariances.js';
import { indicator } from './indicator.js';
import { clampedLogRatio } from './log-ratio.js';
import type { PolicyLoss, PreparedMiniBatch } from './policy-loss.js';

export const clipCovSettings = z.strictObject({
  name: z.literal('clip_cov'),
  ...clipRatios,
  clipCovRatio: z.number().min(0).max(1).default(0.0002).describe('share of the tokens to detach, at least one'),
  clipCovLb: z.number().default(1).describe('tokens with a covariance above this may be detached'),
  clipCovUb: z.number().default(5).describe('tokens with a covariance below this may be detached'),
});
type ClipCovSettings = z.output<typeof clipCovSettings>;

/**
 * Clip-Cov (arXiv:2505.22617): PPO-clip, in which a random few of the tokens with a high covariance of log-prob and
 * advantage teach nothing. They are drawn once an optimizer step from the whole mini-batch.
 * Deviation: the log-ratio is clamped to ±20 before the exponential.
 */
export const clipCov: PolicyLoss<ClipCovSettings> = (input, settings) => {
  const logRatio = clampedLogRatio(input); // [M]
  const { losses } = clippedLosses(tf.exp(logRatio), input.advantages, settings);
  const isDetached = tf.greater(input.prepared, 0); // [M] bool
  return {
    losses: tf.where<tf.Tensor1D>(isDetached, tf.zerosLike(losses), losses),
    metrics: { 'actor/pg_clipfrac': indicator(isDetached), 'actor/ppo_kl': tf.neg(logRatio) },
  };
};

/** 1 for the tokens to detach. Those that the ratio's clip holds already are not candidates. */
export function prepareClipCov(miniBatch: PreparedMiniBatch, settings: ClipCovSettings, rng: Rng): Float32Array {
  const candidates: number[] = [];
  for (const [i, covariance] of covariances(miniBatch).entries())
    if (covariance > settings.clipCovLb && covariance < settings.clipCovUb && !isClipped(miniBatch, i, settings))
      candidates.push(i);
  const size = miniBatch.logProbs.length;
  const isDetached = new Float32Array(size);
  const count = Math.max(1, Math.floor(settings.clipCovRatio * size));
  for (const i of draw(candidates, count, rng)) isDetached[i] = 1;
  return isDetached;
}

function isClipped(miniBatch: PreparedMiniBatch, i: number, { clipRatioLow, clipRatioHigh }: ClipRatios): boolean {
  const ratio = Math.exp((miniBatch.logProbs[i] ?? 0) - (miniBatch.oldLogProbs[i] ?? 0));
  const advantage = miniBatch.advantages[i] ?? 0;
  return (advantage > 0 && ratio > 1 + clipRatioHigh) || (advantage < 0 && ratio < 1 - clipRatioLow);
}

/** Up to `count` of the items, each equally likely. */
function draw(items: readonly number[], count: number, rng: Rng): readonly number[] {
  const left = [...items];
  const drawn: number[] = [];
  while (drawn.length < count && left.length > 0) {
    const [index, last] = [rng.int(left.length), left.pop() ?? 0];
    drawn.push(left[index] ?? last);
    if (index < left.length) left[index] = last;
  }
  return drawn;
}
