import { z } from 'zod';
import { optimizerConfig } from './schedule.js';

/** The value function of PPO. */
export const criticConfig = z.strictObject({
  enable: z.boolean().nullable().default(null).describe('train a critic; null: when the estimator needs its values'),
  trunk: z
    .enum(['own', 'shared'])
    .default('own')
    .describe('own: a copy of the policy below the value head; shared: the policy itself, trained together'),
  vfCoef: z.number().min(0).default(0.1).describe('weight of the value loss in the policy’s where the trunk is shared'),
  cliprangeValue: z
    .number()
    .positive()
    .default(0.5)
    .describe('how far a value may move in an update before it is clipped'),
  ppoEpochs: z.int().min(1).max(64).default(1).describe('passes over the trajectories of a step'),
  ppoMiniBatchSize: z.int().min(1).default(64).describe('sequences an optimizer step'),
  optimizer: optimizerConfig.prefault({}).describe('the optimizer of the critic'),
});

export type CriticConfig = z.output<typeof criticConfig>;
