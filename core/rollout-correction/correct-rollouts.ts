import type { Metrics } from '../types.js';
import { importanceWeights } from './importance-weights.js';
import { offPolicyMetrics } from './off-policy-metrics.js';
import { reject } from './rejection.js';
import { type RolloutCorrectionSettings, rejectionRules } from './settings.js';
import { prefixed } from './token-statistics.js';

/** Log-probs of one sequence, one entry a token, read where the mask is 1. */
export interface RolloutSequence {
  readonly mask: readonly (0 | 1)[];
  /** Of the policy at the start of the update. */
  readonly oldLogprobs: readonly number[];
  /** Of the engine that sampled. */
  readonly rolloutLogprobs: readonly number[];
}

/** One list a sequence, one entry a token. */
export interface CorrectedRollouts {
  /** What to multiply losses by; 1 on sampled tokens without importance sampling, 0 where the mask is 0. */
  readonly weights: readonly (readonly number[])[];
  /** The masks without what was rejected. */
  readonly masks: readonly (readonly (0 | 1)[])[];
  /** By verl's names, `rollout_corr/…`. */
  readonly metrics: Metrics;
}

/**
 * Rollout correction as in verl: weights and rejections for tokens that another policy sampled than the one at the start of the
 * update, such as the same weights in another precision, or older ones. Metrics come of any settings, but not of nothing: without a
 * sampled token there are none. As in verl a sequence without sampled tokens counts in means over sequences, as one without any
 * difference. Log-ratios are clamped to ±20.
 */
export function correctRollouts(
  sequences: readonly RolloutSequence[],
  settings: RolloutCorrectionSettings,
): CorrectedRollouts {
  const rules = rejectionRules(settings);
  const oldLogprobs = sequences.map(({ mask, oldLogprobs }) => sampledOnly(oldLogprobs, mask));
  const rolloutLogprobs = sequences.map(({ mask, rolloutLogprobs }) => sampledOnly(rolloutLogprobs, mask));
  const logRatios = oldLogprobs.map((row, i) => row.map((logprob, t) => logRatio(logprob, rolloutLogprobs[i]?.[t])));
  const tokens = { logRatios, mask: sequences.flatMap(({ mask }) => mask) };
  const { rolloutIs } = settings;
  const sampling = rolloutIs === null ? undefined : importanceWeights(tokens, rolloutIs, settings);
  const rejection = rules.length === 0 ? undefined : reject(tokens, rules);
  const metrics = {
    ...sampling?.metrics,
    ...rejection?.metrics,
    ...offPolicyMetrics(oldLogprobs, rolloutLogprobs, logRatios),
  };
  return {
    weights: sequences.map(({ mask }, i) => spread(sampling?.weights[i] ?? [], mask, 1)),
    masks: sequences.map(({ mask }, i) => spread(rejection?.kept[i] ?? [], mask, 1)),
    metrics: logRatios.some((row) => row.length > 0) ? prefixed('rollout_corr/', metrics) : {},
  };
}

/** 0 where both are the same infinity: a token that neither could sample says nothing. */
function logRatio(oldLogprob: number, rolloutLogprob = Number.NaN): number {
  return oldLogprob === rolloutLogprob ? 0 : Math.min(Math.max(oldLogprob - rolloutLogprob, -20), 20);
}

function sampledOnly(values: readonly number[], mask: readonly (0 | 1)[]): number[] {
  return mask.flatMap((isSampled, t) => (isSampled === 1 ? [values[t] ?? Number.NaN] : []));
}

/** Back to one entry a token: the next of `values`, or `otherwise` where there are none, on each sampled token and 0 elsewhere. */
function spread<Value extends number>(
  values: readonly Value[],
  mask: readonly (0 | 1)[],
  otherwise: Value,
): (Value | 0)[] {
  let next = 0;
  return mask.map((isSampled) => (isSampled === 1 ? (values[next++] ?? otherwise) : 0));
}
