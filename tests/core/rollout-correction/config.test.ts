import { expect, test } from 'vitest';
import { resolveRolloutCorrection, rolloutCorrectionConfig } from '../../../core/rollout-correction/config.js';
import { rolloutCorrectionPresets } from '../../../core/rollout-correction/presets.js';
import { rejectionRules } from '../../../core/rollout-correction/settings.js';

test('left out, nothing is corrected', () => {
  const settings = resolveRolloutCorrection(rolloutCorrectionConfig.parse({}));
  expect(settings).toMatchObject({ rolloutIs: null, rolloutIsThreshold: 2, rolloutRs: [], bypassMode: false });
});

test('a preset stands for settings', () => {
  const resolve = (preset: string) => resolveRolloutCorrection(rolloutCorrectionConfig.parse({ preset }));
  expect(resolve('decoupled_token_is')).toMatchObject({ rolloutIs: 'token', rolloutIsThreshold: 2 });
  expect(resolve('bypass_pg_geo_rs_seq_tis')).toMatchObject({
    rolloutIs: 'sequence',
    rolloutRs: ['seq_mean_k1'],
    rolloutRsThreshold: '0.999_1.001',
    bypassMode: true,
    lossType: 'reinforce',
  });
});

test.each(Object.entries(rolloutCorrectionPresets))('what %s stands for is a valid config itself', (_, settings) => {
  expect(rolloutCorrectionConfig.safeParse(settings).success).toBe(true);
});

test.each([
  [{ preset: 'decoupled_token_is', rolloutIsThreshold: 5 }, /settles all other keys; leave them out, or replace it by/],
  [{ preset: 'decoupled' }, /Invalid option/],
  [{ lossType: 'reinforce' }, /reinforce is for bypassMode: true/],
  [{ bypassMode: true, rolloutIs: 'token' }, /write null or lossType: reinforce/],
  [{ rolloutIsBatchNormalize: true }, /set rolloutIs to token or sequence/],
  [{ rolloutRsThreshold: 2 }, /say what to reject by in rolloutRs/],
  [{ rolloutRs: ['token_k1'] }, /has 0 entries for 1 of rolloutRs/],
  [{ rolloutRs: ['token_k1', 'seq_max_k2', 'seq_sum_k3'], rolloutRsThreshold: '2,0.1' }, /has 2 entries for 3/],
  [{ rolloutRs: ['token_k1'], rolloutRsThreshold: 0.5 }, /is 0.5; token_k1 takes bounds of the ratio such as 0.5_2.0/],
  [{ rolloutRs: ['token_k1'], rolloutRsThreshold: '2_0.5' }, /takes bounds of the ratio/],
  [{ rolloutRs: ['seq_max_k2'], rolloutRsThreshold: '0.5_2.0' }, /seq_max_k2 takes an upper bound/],
  [{ rolloutRs: ['seq_max_k2'], rolloutRsThreshold: 'much' }, /seq_max_k2 takes an upper bound/],
  [{ rolloutRs: ['seq_max_k1'] }, /Invalid option/],
])('%j is refused with what to write instead', (config, message) => {
  expect(rolloutCorrectionConfig.safeParse(config).error?.issues[0]?.message).toMatch(message);
});

test('one number for k1 bounds the ratio on both sides', () => {
  const [rule] = rejectionRules({ rolloutRs: ['token_k1'], rolloutRsThreshold: 2 });
  expect(rule).toEqual({ option: 'token_k1', lower: -Math.log(2), upper: Math.log(2) });
});

test.each([['0.5_4, 0.1'], [['0.5_4', 0.1]]])(
  'thresholds %j go to the options in their order',
  (rolloutRsThreshold) => {
    expect(rejectionRules({ rolloutRs: ['seq_sum_k1', 'seq_mean_k3'], rolloutRsThreshold })).toEqual([
      { option: 'seq_sum_k1', lower: Math.log(0.5), upper: Math.log(4) },
      { option: 'seq_mean_k3', lower: Number.NEGATIVE_INFINITY, upper: 0.1 },
    ]);
  },
);
