import { expect, test } from 'vitest';
import { correctRollouts, type RolloutSequence } from '../../../core/rollout-correction/correct-rollouts.js';
import {
  type RolloutCorrectionSettings,
  rolloutCorrectionSettings,
} from '../../../core/rollout-correction/settings.js';
import { expectClose } from '../../helpers/expect-close.js';

const near = { relative: 0, absolute: 1e-6 };

/** A sequence with this log-ratio at each sampled token; null is a token of the environment, where log-probs mean nothing. */
function sequence(logRatios: readonly (number | null)[]): RolloutSequence {
  return {
    mask: logRatios.map((d) => (d === null ? 0 : 1)),
    oldLogprobs: logRatios.map((d) => (d === null ? 77 : d - 2)),
    rolloutLogprobs: logRatios.map((d) => (d === null ? -5 : -2)),
  };
}

function correct(rows: readonly (readonly (number | null)[])[], settings: Partial<RolloutCorrectionSettings>) {
  return correctRollouts(rows.map(sequence), { ...rolloutCorrectionSettings.parse({}), ...settings });
}

test('token weights are ratios cut off at the threshold, 0 where nothing was sampled', () => {
  const { weights, metrics } = correct([[0, null, 1, -0.5]], { rolloutIs: 'token' });
  expectClose(weights.flat(), [1, 0, 2, 0.606531], near);
  expectClose([metrics['rollout_corr/rollout_is_eff_sample_size'] ?? 0], [0.80771], { relative: 0, absolute: 1e-5 });
  expectClose([metrics['rollout_corr/rollout_is_max'] ?? 0], [Math.E], near);
});

test('a sequence weight is the product of its ratios, on each of its tokens', () => {
  const { weights } = correct(
    [
      [0, null, 1, -0.5],
      [2, 2],
    ],
    { rolloutIs: 'sequence' },
  );
  expectClose(weights.flat(), [1.648721, 0, 1.648721, 1.648721, 2, 2], near);
});

test('normalized weights have mean 1 over tokens, or over sequences', () => {
  const rows = [[0.5, -0.5, 0.1], [null, 3], [null]];
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const byToken = correct(rows, { rolloutIs: 'token', rolloutIsBatchNormalize: true });
  expect(mean(byToken.weights.flat().filter((weight) => weight > 0))).toBeCloseTo(1, 12);
  const bySequence = correct(rows, { rolloutIs: 'sequence', rolloutIsBatchNormalize: true });
  expect(mean([bySequence.weights[0]?.[0] ?? 0, bySequence.weights[1]?.[1] ?? 0])).toBeCloseTo(1, 12);
  expect(bySequence.metrics['rollout_corr/rollout_is_batch_norm_factor']).toBeGreaterThan(0);
});

test('seq_sum_k1 of -0.5 lies within 0.5_2.0 and is kept, of 1 is not', () => {
  const settings = { rolloutRs: ['seq_sum_k1' as const], rolloutRsThreshold: '0.5_2.0' };
  const { masks, metrics } = correct(
    [
      [0, null, 1, -0.5],
      [-0.5, -0.5, null],
    ],
    settings,
  );
  expect(masks).toEqual([
    [1, 0, 1, 1],
    [0, 0, 0],
  ]);
  expect(metrics['rollout_corr/rollout_rs_seq_sum_k1_min']).toBeCloseTo(-0.5, 12);
  expect(metrics['rollout_corr/rollout_rs_masked_fraction']).toBeCloseTo(0.4, 12);
});

test('seq_mean_k3 is 0.274937 in the worked example', () => {
  const settings = { rolloutRs: ['seq_mean_k3' as const], rolloutRsThreshold: 0.2749 };
  const { masks, metrics } = correct([[0, 1, -0.5]], settings);
  expectClose([metrics['rollout_corr/rollout_rs_seq_mean_k3_mean'] ?? 0], [0.274937], near);
  expect(masks).toEqual([[0, 0, 0]]);
  expect(correct([[0, 1, -0.5]], { ...settings, rolloutRsThreshold: 0.275 }).masks).toEqual([[1, 1, 1]]);
});

test.each([
  [
    'token_k1',
    '0.5_2',
    [
      [1, 0, 1],
      [1, 1],
    ],
  ],
  [
    'token_k2',
    0.49,
    [
      [1, 0, 1],
      [1, 1],
    ],
  ],
  [
    'token_k3',
    0.1,
    [
      [1, 0, 0],
      [1, 1],
    ],
  ],
  [
    'seq_max_k2',
    0.49,
    [
      [0, 0, 0],
      [1, 1],
    ],
  ],
  [
    'seq_max_k3',
    0.8,
    [
      [1, 1, 1],
      [1, 1],
    ],
  ],
  [
    'seq_sum_k2',
    0.6,
    [
      [0, 0, 0],
      [1, 1],
    ],
  ],
  [
    'seq_mean_k2',
    0.01,
    [
      [0, 0, 0],
      [1, 1],
    ],
  ],
  [
    'seq_sum_k3',
    0.01,
    [
      [0, 0, 0],
      [1, 1],
    ],
  ],
  [
    'seq_mean_k1',
    '0.9_1.1',
    [
      [0, 0, 0],
      [1, 1],
    ],
  ],
] as const)('%s with threshold %s keeps what lies within', (option, rolloutRsThreshold, expected) => {
  const { masks } = correct(
    [
      [0, 1, -0.5],
      [0.01, 0],
    ],
    { rolloutRs: [option], rolloutRsThreshold },
  );
  expect(masks).toEqual(expected);
});

test('of several options each must keep a token', () => {
  const settings = { rolloutRs: ['token_k1', 'seq_sum_k1'] as const, rolloutRsThreshold: ['0.5_2', '0.5_4'] };
  const { masks, metrics } = correct(
    [
      [1, 0.5],
      [2, 1],
      [0, 0],
    ],
    { ...settings, rolloutRs: [...settings.rolloutRs] },
  );
  expect(masks).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
  expect(metrics['rollout_corr/rollout_rs_token_k1_seq_masked_fraction']).toBeCloseTo(2 / 3, 12);
});

test('without settings masks stay, weights are 1, and the distance is still measured', () => {
  const { weights, masks, metrics } = correct([[0.5, null, -0.5]], {});
  expect([weights, masks]).toEqual([[[1, 0, 1]], [[1, 0, 1]]]);
  expect(metrics['rollout_corr/kl']).toBeCloseTo(0, 12);
  expect(metrics['rollout_corr/training_log_ppl']).toBeCloseTo(2, 12);
  expect(metrics['rollout_corr/chi2_token']).toBeCloseTo((Math.E + 1 / Math.E) / 2 - 1, 12);
  expect(Object.keys(metrics).some((name) => /rollout_is|rollout_rs/.test(name))).toBe(false);
});

test('nothing sampled, or no sequences at all, has no metrics', () => {
  const settings = { rolloutIs: 'token' as const, rolloutRs: ['seq_max_k2' as const], rolloutRsThreshold: 1 };
  expect(correct([[null, null], []], settings)).toEqual({ weights: [[0, 0], []], masks: [[0, 0], []], metrics: {} });
  expect(correct([], settings)).toEqual({ weights: [], masks: [], metrics: {} });
});

test('a token that only one of the policies could sample has a finite weight', () => {
  const [never, mask] = [Number.NEGATIVE_INFINITY, [1, 1, 1] as const];
  const sequences = [{ mask, oldLogprobs: [never, -1, never], rolloutLogprobs: [-1, never, never] }];
  const settings = rolloutCorrectionSettings.parse({ rolloutIs: 'token' });
  expectClose(correctRollouts(sequences, settings).weights.flat(), [Math.exp(-20), 2, 1], near);
});
