import { z } from 'zod';
import { advantageEstimatorSettings, policyLossSettings } from './algorithms.js';
import { lossAggModes } from './losses/aggregate.js';

export const algorithmConfig = z.strictObject({
  advEstimator: advantageEstimatorSettings.prefault({ name: 'grpo' }).describe('how rewards become advantages'),
  policyLoss: policyLossSettings.prefault({ name: 'vanilla' }).describe('the loss that advantages weight'),
  lossAggMode: z.enum(lossAggModes).default('token-mean').describe('how token losses become one number'),
  lossScaleFactor: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('what seq-mean-token-sum-norm divides by (Dr. GRPO: a constant); null takes rollout.maxResponseTokens'),
  entropyCoeff: z.number().min(0).default(0).describe('weight of the entropy bonus'),
  ppoEpochs: z.int().min(1).max(64).default(1).describe('passes over the trajectories of a step'),
  ppoMiniBatchSize: z.int().min(1).default(64).describe('sequences an optimizer step'),
  ppoMaxTokenLenPerGpu: z
    .int()
    .min(1)
    .default(16_384)
    .describe('tokens a forward pass, of whole sequences; changes speed and memory only'),
});

export type AlgorithmConfig = z.output<typeof algorithmConfig>;
