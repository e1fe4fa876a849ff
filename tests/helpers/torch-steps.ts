import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { decoderConfig } from '../../core/model/architectures/architectures.js';
import { modelConfig } from '../../core/model/config.js';
import { freshHfConfig } from '../../core/model/fresh-config.js';
import { Policy } from '../../core/model/policy.js';
import { Weights } from '../../core/model/weights.js';

const numbers = z.array(z.number());
const byName = z.record(z.string(), numbers);

const fileSchema = z.strictObject({
  versions: z.record(z.string(), z.string()),
  model: z.record(z.string(), z.number()),
  options: z.strictObject({
    temperature: z.number(),
    clipRatioLow: z.number(),
    clipRatioHigh: z.number(),
    clipRatioC: z.number(),
    klLossCoef: z.number(),
    entropyCoeff: z.number(),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.literal(1e-8),
    weightDecay: z.number(),
    gradClip: z.number(),
  }),
  groups: z.array(
    z.array(
      z.strictObject({
        tokens: numbers,
        mask: z.array(z.literal([0, 1])),
        reward: z.number(),
        logprobs: numbers,
        refLogprobs: numbers,
        advantages: numbers,
      }),
    ),
  ),
  weights: z.record(z.string(), z.strictObject({ shape: numbers, values: numbers })),
  steps: z.array(
    z.strictObject({
      loss: z.number(),
      pgLoss: z.number(),
      klLoss: z.number(),
      entropy: z.number(),
      gradNorm: z.number(),
      gradients: byName,
      first: byName,
      second: byName,
      weights: byName,
    }),
  ),
});

const path = new URL('../fixtures/trainer/two-steps.json', import.meta.url);

/** What PyTorch made of two training steps; tests/fixtures/trainer/generate.py says how. */
export const torchSteps = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));

/** The fixture's model with the weights it begins with. */
export function openTorchPolicy(): Policy {
  const { vocabSize = 0, ...config } = torchSteps.model;
  const variables = Object.entries(torchSteps.weights).map(
    ([name, { shape, values }]) => [name, tf.tidy(() => tf.variable(tf.tensor(values, shape)))] as const,
  );
  const description = decoderConfig(freshHfConfig(modelConfig.parse(config), vocabSize), 'the fixture');
  return new Policy(description, new Weights(new Map(variables)));
}
