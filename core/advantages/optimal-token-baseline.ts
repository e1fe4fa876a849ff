import { z } from 'zod';
import type { AdvantageEstimator, ScoredMember } from './advantage-estimator.js';
import type { SampledToken } from './sampled-tokens.js';
import { tokenBaselineEstimates } from './token-baseline.js';

export const optimalTokenBaselineSettings = z.strictObject({
  name: z.literal('optimal_token_baseline'),
  handleZeroTail: z
    .boolean()
    .default(false)
    .describe(
      'no baseline where the longest of a group goes on beyond the second longest; on by default in tir_optimal_token_baseline only',
    ),
});

/**
 * Optimal token baseline (OTB, arXiv:2602.07078): what `tokenBaselineEstimates` says, with tokens of a group aligned by their place in
 * the response, observations counted. The response of a sequence begins with its first sampled token; the responses of a member's
 * sequences follow each other. `handleZeroTail` compares places with a number of sampled tokens, as verl does.
 * Deviations from verl: 1e-8 bounds Σ W from below instead of being added, so that equal returns have advantage exactly 0; a member
 * without sampled tokens does not count towards the two that a baseline takes.
 */
export const optimalTokenBaseline: AdvantageEstimator<z.output<typeof optimalTokenBaselineSettings>> = (
  groups,
  settings,
) => groups.map((members) => tokenBaselineEstimates(members, placesInResponse, settings));

function placesInResponse({ sequences }: ScoredMember, tokens: readonly SampledToken[]): number[] {
  const starts: number[] = [];
  let place = 0;
  for (const { mask } of sequences) {
    const prompt = mask.includes(1) ? mask.indexOf(1) : mask.length;
    starts.push(place - prompt);
    place += mask.length - prompt;
  }
  return tokens.map(({ s, t }) => (starts[s] ?? 0) + t);
}
