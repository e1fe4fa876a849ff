import { z } from 'zod';

const weight = z
  .number()
  .default(1)
  .describe('the episode’s reward is the environment’s plus so many times the score of the model');

export const rewardModelConfig = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('none') }),
  z.strictObject({
    name: z.literal('value_head'),
    path: z.string().min(1).describe('directory with the model: a policy of the run’s size with a value head'),
    weight,
  }),
  z.strictObject({
    name: z.literal('http'),
    url: z.url({ protocol: /^https?$/ }).describe('where episodes are posted to'),
    weight,
    timeoutMs: z.int().min(1).max(3_600_000).default(60_000).describe('longest answer'),
    batchSize: z.int().min(1).max(4096).default(16).describe('episodes a request'),
    concurrency: z.int().min(1).max(256).default(8).describe('requests at once'),
    maxRetries: z.int().min(0).max(16).default(4).describe('times a request is made again that the server failed'),
    apiKeyEnv: z
      .string()
      .min(1)
      .optional()
      .describe('environment variable whose value is sent as Authorization: Bearer; none when left out'),
  }),
]);

export type RewardModelConfig = z.output<typeof rewardModelConfig>;
export type HttpRewardModelConfig = Extract<RewardModelConfig, { readonly name: 'http' }>;
