import { z } from 'zod';
import type { AdvantageEstimator } from './advantage-estimator.js';
import { broadcast } from './broadcast.js';
import { ranking } from './ranking.js';

export const bestVsWorstSettings = z.strictObject({ name: z.literal('best_vs_worst') });

/**
 * The preference pair of self-rewarding models (arXiv:2401.10020), best and worst of n, for online DPO: A = 1 on the sampled tokens
 * of a group's best member, -1 on those of its worst, 0 elsewhere. Nothing where all rewards are equal or fewer than two members sampled
 * a token. Of equal rewards the earlier member is the better: the best is the first of the best, the worst the last of the worst.
 */
export const bestVsWorst: AdvantageEstimator<z.output<typeof bestVsWorstSettings>> = (groups) =>
  groups.map((members) => {
    const ranked = ranking(members);
    const [best, worst] = [ranked.at(0), ranked.at(-1)];
    const isPair = best !== undefined && worst !== undefined && best.reward > worst.reward;
    return members.map((member) =>
      broadcast(member, isPair ? (member === best ? 1 : 0) - (member === worst ? 1 : 0) : 0),
    );
  });
