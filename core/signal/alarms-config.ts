import { z } from 'zod';

export const alarmsConfig = z.strictObject({
  enable: z.boolean().default(true).describe('watch the metrics for known ways in which a run goes wrong'),
  patience: z.int().min(1).default(2).describe('steps in a row beyond a bound before an alarm rings'),
  startSteps: z
    .int()
    .min(1)
    .default(5)
    .describe('first steps, whose mean is the start that entropy and lengths are compared with'),
  emaDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.9)
    .describe('weight of the past in the average whose peak the tool call rate is compared with'),
  minToolCallShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('rings when the tool call rate is below this share of the peak of its average; 0 = off'),
  minEntropyShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('rings when the entropy is below this share of its start; 0 = off'),
  maxLengthFactor: z
    .number()
    .min(0)
    .default(3)
    .describe('rings when responses are longer than so many times their start; 0 = off'),
  minLengthShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('rings when responses are shorter than this share of their start; 0 = off'),
  maxClipRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('rings when more than this share of episodes is cut off by a budget; 1 = off'),
  maxPpoKl: z
    .number()
    .min(0)
    .default(0.1)
    .describe('rings when the KL from the rollout policy (actor/ppo_kl) is above this; 0 = off'),
  maxReferenceKl: z
    .number()
    .min(0)
    .default(1)
    .describe(
      'rings when the KL from the reference (actor/kl_loss, else actor/reward_kl_penalty) is above this; 0 = off',
    ),
});

export type AlarmsConfig = z.output<typeof alarmsConfig>;
