import { z } from 'zod';

/** What a token or a sequence may be rejected by, in verl's names: where it is taken, and which estimate of the KL it is. */
export const rolloutRsOptions = [
  'token_k1',
  'token_k2',
  'token_k3',
  'seq_sum_k1',
  'seq_sum_k2',
  'seq_sum_k3',
  'seq_mean_k1',
  'seq_mean_k2',
  'seq_mean_k3',
  'seq_max_k2',
  'seq_max_k3',
] as const;
export type RolloutRsOption = (typeof rolloutRsOptions)[number];

const threshold = z.union([z.number(), z.string()]);

/** Correction of the difference between the policy that sampled and the one that is trained; verl's `algorithm.rollout_correction`. */
export const rolloutCorrectionSettings = z.strictObject({
  rolloutIs: z
    .enum(['token', 'sequence'])
    .nullable()
    .default(null)
    .describe('weigh tokens by π_old / π_rollout of the token or of the whole sequence; null: not at all'),
  rolloutIsThreshold: z.number().positive().default(2).describe('weights are cut off above this'),
  rolloutIsBatchNormalize: z.boolean().default(false).describe('divide the weights by their mean'),
  rolloutRs: z
    .array(z.enum(rolloutRsOptions))
    .default([])
    .describe('leave out what is too far from on-policy: token_* a token, seq_* a sequence'),
  rolloutRsThreshold: z
    .union([threshold, z.array(threshold)])
    .nullable()
    .default(null)
    .describe(
      "k1: bounds of the ratio, 'lower_upper' or u for 1/u to u; k2, k3: upper bound; one for all or one an option",
    ),
  bypassMode: z.boolean().default(false).describe('take the log-probs of sampling for the old ones'),
  lossType: z.enum(['ppo_clip', 'reinforce']).default('ppo_clip').describe('the loss in bypass mode'),
});
export type RolloutCorrectionSettings = z.output<typeof rolloutCorrectionSettings>;

/** Bounds that a statistic must keep: log-ratios for k1, the estimate itself for k2 and k3, which have no lower one. */
export interface RejectionRule {
  readonly option: RolloutRsOption;
  readonly lower: number;
  readonly upper: number;
}

/** The options with their bounds. Throws RangeError with a remedy when the thresholds do not fit the options. */
export function rejectionRules({
  rolloutRs,
  rolloutRsThreshold,
}: Pick<RolloutCorrectionSettings, 'rolloutRs' | 'rolloutRsThreshold'>): RejectionRule[] {
  const given = splitThresholds(rolloutRsThreshold);
  if (rolloutRs.length === 0 && given.length > 0)
    throw new RangeError('say what to reject by in rolloutRs, or leave it out');
  if (rolloutRs.length > 0 && given.length !== 1 && given.length !== rolloutRs.length)
    throw new RangeError(
      `has ${given.length} entries for ${rolloutRs.length} of rolloutRs; give one for all or one for each`,
    );
  return rolloutRs.map((option, i) => ({ option, ...boundsOf(option, given[given.length === 1 ? 0 : i] ?? '') }));
}

function splitThresholds(given: RolloutCorrectionSettings['rolloutRsThreshold']): string[] {
  if (given === null) return [];
  const list = Array.isArray(given) ? given : [given];
  return list.flatMap((one) => String(one).split(',')).map((text) => text.trim());
}

function boundsOf(option: RolloutRsOption, text: string): { readonly lower: number; readonly upper: number } {
  const values = text.split('_').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [first = Number.NaN, second = Number.NaN] = values;
  if (!option.endsWith('_k1')) {
    if (values.length === 1 && first >= 0) return { lower: Number.NEGATIVE_INFINITY, upper: first };
    throw new RangeError(`is ${text || 'empty'}; ${option} takes an upper bound, a number of at least 0 such as 0.01`);
  }
  if (values.length === 1 && first >= 1) return { lower: -Math.log(first), upper: Math.log(first) };
  if (values.length === 2 && first > 0 && second >= first) return { lower: Math.log(first), upper: Math.log(second) };
  throw new RangeError(`is ${text || 'empty'}; ${option} takes bounds of the ratio such as 0.5_2.0, or 2 for the same`);
}
