import { z } from 'zod';
import { modelConfig } from '../../core/model/config.js';
import { backendNames, matmulPrecisions } from '../../core/tensor/backend-names.js';
import { tokenizerConfig } from '../../core/text/tokenizer-config.js';

/** The part of a policy server's settings that a run's config offers. */
export const engineConfig = z.strictObject({
  maxBatchSize: z.int().min(1).max(4096).default(128).describe('sequences decoded at once'),
  timeoutMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(3_600_000)
    .describe('longest answer of the policy server, updates included'),
});

/** What a policy server's process is told at its start; JSON only. */
export const policyServerConfig = z.strictObject({
  backend: z.enum(backendNames).default('auto').describe('Tensor backend.'),
  matmulPrecision: z.enum(matmulPrecisions).default('float32').describe('What matrix products take in.'),
  threads: z.number().int().min(0).max(1024).default(0).describe('Threads of backend native; 0 takes one a processor.'),
  model: modelConfig.prefault({}).describe('Description of the model.'),
  criticTrunk: z.enum(['own', 'shared']).default('own').describe('What the head of a critic stands on.'),
  rewardModelPath: z.string().min(1).optional().describe('Directory of a reward model that stays as it is.'),
  tokenizer: tokenizerConfig.describe('What is written beside weights for those who load them.'),
  vocabSize: z.number().int().min(1).describe("Size of the tokenizer's vocabulary, which a fresh model gets."),
  contextLength: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Longest context in tokens; that of the model when left out.'),
  seed: z.number().int().default(0).describe('Key of the initial weights.'),
  maxBatchSize: z.number().int().min(1).max(4096).default(64).describe('Sequences decoded at once.'),
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen at.'),
  port: z.number().int().min(0).max(65535).default(0).describe('Port to listen at; 0 takes a free one.'),
  stopTimeoutMs: z
    .number()
    .int()
    .min(1)
    .max(600_000)
    .default(5_000)
    .describe('How long the server may take to end in order before it is ended by force, in milliseconds.'),
});

export type PolicyServerConfig = z.infer<typeof policyServerConfig>;
