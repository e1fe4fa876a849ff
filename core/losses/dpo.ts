import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { assert } from '../errors.js';
import type { PolicyLoss, PreparedMiniBatch } from './policy-loss.js';

export const dpoSettings = z.strictObject({
  name: z.literal('dpo'),
  dpoBeta: z
    .number()
    .positive()
    .default(0.1)
    .describe('how strongly the reference policy holds: β of the implicit reward'),
});
type DpoSettings = z.output<typeof dpoSettings>;

/**
 * DPO (arXiv:2305.18290, eq. 7), linear in the log-probs: a step's gradient is that of the mean of -log σ(β margin) over all pairs of
 * a chosen sequence (positive advantage) and a rejected one (negative) of the same task, because `prepareDpo` gives each token
 * the derivative by its log-prob under the weights that the step starts from. To be summed over tokens. The loss itself is
 * among `dpoMetrics`.
 */
export const dpo: PolicyLoss<DpoSettings> = ({ logProbs, prepared }) => ({
  losses: tf.mul(logProbs, prepared),
  metrics: {},
});

/** The derivative of the mini-batch's loss by each token's log-prob; 0 where a task has only one kind of sequence. */
export function prepareDpo(miniBatch: PreparedMiniBatch, settings: DpoSettings): Float32Array {
  const slopes = new Float64Array(miniBatch.groups.length);
  const pairs = pairsOf(miniBatch, settings);
  for (const { chosen, rejected, margin } of pairs) {
    const slope = (settings.dpoBeta * sigmoid(-margin)) / pairs.length;
    slopes[chosen] = (slopes[chosen] ?? 0) - slope;
    slopes[rejected] = (slopes[rejected] ?? 0) + slope;
  }
  return Float32Array.from(miniBatch.segments, (segment) => slopes[segment] ?? 0);
}

/** The loss, and the share of pairs whose chosen sequence has the larger implicit reward; nothing where there is no pair. */
export function dpoMetrics(miniBatch: PreparedMiniBatch, settings: DpoSettings): { readonly [name: string]: number } {
  const margins = pairsOf(miniBatch, settings).map(({ margin }) => margin);
  if (margins.length === 0) return {};
  return {
    'actor/dpo_loss': margins.reduce((sum, margin) => sum + softplus(-margin), 0) / margins.length,
    'actor/dpo_accuracy': margins.filter((margin) => margin > 0).length / margins.length,
  };
}

interface Pair {
  readonly chosen: number;
  readonly rejected: number;
  /** Implicit reward of the chosen sequence less that of the rejected one. */
  readonly margin: number;
}

function pairsOf(miniBatch: PreparedMiniBatch, { dpoBeta }: DpoSettings): readonly Pair[] {
  const { groups } = miniBatch;
  const { logRatios, preferences } = sequencesOf(miniBatch);
  const marginOf = (c: number, r: number): number => dpoBeta * ((logRatios[c] ?? 0) - (logRatios[r] ?? 0));
  const members = [...groups.keys()];
  return members
    .filter((chosen) => (preferences[chosen] ?? 0) > 0)
    .flatMap((chosen) =>
      members
        .filter((rejected) => groups[rejected] === groups[chosen] && (preferences[rejected] ?? 0) < 0)
        .map((rejected) => ({ chosen, rejected, margin: marginOf(chosen, rejected) })),
    );
}

/** [S] each: log-ratio to the reference, and the sum of the advantages, whose sign says which kind it is. */
function sequencesOf({ logProbs, refLogProbs, advantages, segments, groups }: PreparedMiniBatch): {
  readonly logRatios: Float64Array;
  readonly preferences: Float64Array;
} {
  const [logRatios, preferences] = [new Float64Array(groups.length), new Float64Array(groups.length)];
  for (const [i, segment] of segments.entries()) {
    const logRatio = (logProbs[i] ?? 0) - (refLogProbs[i] ?? Number.NaN);
    assert(Number.isFinite(logRatio), `log-ratio of token ${i} to the reference policy is ${logRatio}`);
    logRatios[segment] = (logRatios[segment] ?? 0) + logRatio;
    preferences[segment] = (preferences[segment] ?? 0) + (advantages[i] ?? 0);
  }
  return { logRatios, preferences };
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + exp(x)) */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
