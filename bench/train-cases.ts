import { z } from 'zod';
import { type ModelConfig, modelConfig } from '../core/model/config.js';

/** A training step that both sides make: a model, and sequences of one length, so that nobody pads. */
export interface TrainCase {
  readonly name: string;
  readonly config: ModelConfig;
  readonly vocabSize: number;
  readonly sequences: number;
  /** Tokens of each sequence. */
  readonly length: number;
  /** Timed steps unless told otherwise. */
  readonly rounds: number;
}

export const trainCases: readonly TrainCase[] = [
  {
    name: 'smollm2-135m',
    config: modelConfig.parse({
      hiddenSize: 576,
      numHiddenLayers: 30,
      numAttentionHeads: 9,
      numKeyValueHeads: 3,
      headDim: 64,
      intermediateSize: 1536,
      ropeTheta: 100_000,
      rmsNormEps: 1e-5,
    }),
    vocabSize: 49_152,
    sequences: 8,
    length: 256,
    rounds: 5,
  },
  {
    name: 'tiny-1m',
    config: modelConfig.parse({
      hiddenSize: 128,
      numHiddenLayers: 4,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      headDim: 32,
      intermediateSize: 384,
    }),
    vocabSize: 1024,
    sequences: 64,
    length: 160,
    rounds: 15,
  },
];

/** How both sides step: everything but the weights and the tokens. */
export const optimizer = { lr: 1e-4, betas: [0.9, 0.95], weightDecay: 0.01, gradClip: 1 } as const;

/** What our side is told at its start; it draws the weights and writes them to `weights`, end to end in the order of its answer. */
export const openRequest = z.object({
  config: modelConfig,
  vocabSize: z.int(),
  tokens: z.array(z.array(z.int())),
  weights: z.string(),
  threads: z.int().min(1),
});

export const openAnswer = z.object({
  backend: z.string(),
  /** Name and shape of each weight, in the file's order. */
  shapes: z.array(z.tuple([z.string(), z.array(z.int())])),
});

/** One step as a side sees it: wall time, mean loss before it and the gradient's norm before clipping. */
export const stepAnswer = z.object({ seconds: z.number().positive(), loss: z.number(), gradNorm: z.number() });
export type StepAnswer = z.output<typeof stepAnswer>;
