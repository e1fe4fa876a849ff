import { z } from 'zod';
import { backendNames, matmulPrecisions } from '../core/tensor/backend-names.js';
import { tokenizerConfig } from '../core/text/tokenizer-config.js';
import { trackersConfig } from '../core/trackers/config.js';

/** What every kind of run has: its name, its machine and its text. */
export const machineConfig = {
  name: z
    .string()
    .refine((name) => /^[\w.-]+$/.test(name), 'write letters, digits, dots, dashes and underscores only')
    .default('run')
    .describe('first part of the run directory’s name'),
  seed: z.int().min(0).max(0xffffffff).default(1).describe('the same seed, backend and machine give the same run'),
  backend: z
    .enum(backendNames)
    .default('auto')
    .describe('where tensors are computed; auto takes the fastest that is installed'),
  matmulPrecision: z
    .enum(matmulPrecisions)
    .default('float32')
    .describe('what matrix products of backend native take in; bfloat16 needs AVX512-BF16'),
  threads: z.int().min(0).max(1024).default(0).describe('threads of backend native; 0 takes one a processor'),
  tokenizer: tokenizerConfig.describe(
    'how text becomes tokens; null takes the pretrained model’s own, bytes for a fresh one',
  ),
};

/** Where the numbers of a run go beside its directory. */
export const trackingConfig = {
  logger: trackersConfig.default([]),
  projectName: z.string().min(1).default('verlet').describe('what trackers file the run under'),
  experimentName: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('what trackers call the run, another name for each of a project; null takes that of the run directory'),
};
