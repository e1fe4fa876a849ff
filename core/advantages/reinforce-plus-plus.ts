import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { returnsToGo } from './returns-to-go.js';
import { whitenAdvantages } from './whiten.js';

export const reinforcePlusPlusSettings = z.strictObject({
  name: z.literal('reinforce_plus_plus'),
  gamma: z.number().min(0).max(1).default(1).describe('discount a sampled token'),
  carriesAcrossObservations: z
    .boolean()
    .default(true)
    .describe('earlier turns see the rewards of later ones; off = as verl 0.8, where an observation ends the return'),
});

/**
 * REINFORCE++ (arXiv:2501.03262): G_t = r_t + γ G_(t+1) over sampled tokens, whitened over the step; returns are G.
 * The KL penalty of the paper is in the rewards already, where there is one. Observations are stepped over without a discount.
 * Deviation from verl 0.8, which `carriesAcrossObservations: false` restores: there G starts anew from 0 before every observation.
 */
export const reinforcePlusPlus: AdvantageEstimator<z.output<typeof reinforcePlusPlusSettings>> = (groups, settings) =>
  whitenAdvantages(
    groups,
    groups.map((members) =>
      members.map((member) => returnsToGo(member, settings).map((returns) => ({ advantages: returns, returns }))),
    ),
  );
