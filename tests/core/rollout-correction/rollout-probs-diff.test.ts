import { expect, test } from 'vitest';
import { rolloutProbsDiff } from '../../../core/rollout-correction/rollout-probs-diff.js';

/** A sequence of sampled tokens with these probabilities after one of the environment. */
function sequence(old: readonly number[], rollout: readonly number[]) {
  return {
    mask: [0, ...old.map(() => 1 as const)] as const,
    oldLogprobs: [9, ...old.map(Math.log)],
    rolloutLogprobs: [-9, ...rollout.map(Math.log)],
  };
}

test('differences are of probabilities, on sampled tokens', () => {
  const metrics = rolloutProbsDiff([sequence([0.5, 0.2], [0.4, 0.4]), sequence([0.9], [0.9])]);
  expect(metrics['training/rollout_probs_diff_valid']).toBe(1);
  expect(metrics['training/rollout_probs_diff_max']).toBeCloseTo(0.2, 12);
  expect(metrics['training/rollout_probs_diff_mean']).toBeCloseTo(0.1, 12);
  expect(metrics['training/rollout_probs_diff_std']).toBeCloseTo(0.1, 12);
});

test('the correlation is 1 along a rising line and -1 along a falling one', () => {
  const correlation = (rollout: readonly number[]) =>
    rolloutProbsDiff([sequence([0.1, 0.2, 0.3], rollout)])['training/rollout_actor_probs_pearson_corr'];
  expect(correlation([0.3, 0.5, 0.7])).toBeCloseTo(1, 12);
  expect(correlation([0.7, 0.5, 0.3])).toBeCloseTo(-1, 12);
  expect(correlation([0.5, 0.5, 0.5])).toBeUndefined();
});

test('one token has no deviation, none is not valid', () => {
  expect(rolloutProbsDiff([sequence([0.5], [0.4])])['training/rollout_probs_diff_std']).toBe(0);
  expect(rolloutProbsDiff([sequence([], [])])).toEqual({ 'training/rollout_probs_diff_valid': 0 });
  expect(rolloutProbsDiff([])).toEqual({ 'training/rollout_probs_diff_valid': 0 });
});
