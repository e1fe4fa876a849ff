import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { tokenBaselineEstimates } from './token-baseline.js';

export const tirOptimalTokenBaselineSettings = z.strictObject({
  name: z.literal('tir_optimal_token_baseline'),
  handleZeroTail: z
    .boolean()
    .default(true)
    .describe(
      'no baseline where the longest of a group goes on beyond the second longest; on by default in tir_optimal_token_baseline only',
    ),
});

/**
 * Optimal token baseline for several turns (OTB, arXiv:2602.07078): what `tokenBaselineEstimates` says, with the k-th sampled tokens of a group's
 * members aligned, whatever observations lie before them.
 * Deviation from verl: 1e-8 bounds Σ W from below instead of being added, so that equal returns have advantage exactly 0.
 */
export const tirOptimalTokenBaseline: AdvantageEstimator<z.output<typeof tirOptimalTokenBaselineSettings>> = (
  groups,
  settings,
) => groups.map((members) => tokenBaselineEstimates(members, (_, tokens) => tokens.map((_token, k) => k), settings));
