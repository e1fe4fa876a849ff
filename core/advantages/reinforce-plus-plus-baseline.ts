import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { groupMean } from './group-statistics.js';
import { whitenOutcomes } from './whiten.js';

export const reinforcePlusPlusBaselineSettings = z.strictObject({ name: z.literal('reinforce_plus_plus_baseline') });

/**
 * REINFORCE++-baseline (arXiv:2501.03262): R - mean of the group on every sampled token, whitened over the step.
 * A group of one has mean 0, as in verl. When all members of each group have equal rewards, advantages are exactly 0.
 */
export const reinforcePlusPlusBaseline: AdvantageEstimator<z.output<typeof reinforcePlusPlusBaselineSettings>> = (
  groups,
) =>
  whitenOutcomes(
    groups,
    groups.map((members) => {
      const centre = groupMean(members.map(({ reward }) => reward));
      return members.map(({ reward }) => reward - centre);
    }),
  );
