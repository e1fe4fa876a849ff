import { expect, it } from 'vitest';
import { lossAggModes } from '../../../core/losses/aggregate.js';
import { Rng } from '../../../core/rng.js';
import type { ActorUpdateOptions, Metrics, TrainSequence } from '../../../core/types.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { policyLossNames } from '../../helpers/policy-loss-names.js';
import { firstGradient, flat } from '../../helpers/saved-trainer.js';
import { never, openTinyPolicy, sampleEpisodes, tinyUpdate } from '../../helpers/tiny-policy.js';

/** Sums of float32 in another order. */
const rounding = { relative: 1e-4, absolute: 2e-6 };

withBackends(() => {
  it.each(policyLossNames)('%s has one gradient, however the mini-batch is cut into forward passes', async (name) => {
    await expectInvariant({ policyLoss: { name } });
  });

  it.each(lossAggModes)('so has vanilla with %s', async (lossAggMode) => {
    await expectInvariant({ lossAggMode });
  });

  it('so have the KL loss and the entropy bonus', async () => {
    await expectInvariant({ klLossCoef: 0.3, entropyCoeff: 0.05 });
  });
});

async function expectInvariant(changes: Partial<ActorUpdateOptions>): Promise<void> {
  const options = { ...tinyUpdate, lossScaleFactor: 9, gradClip: 1e9, lr: 0, ...changes };
  const whole = await updated({ ...options, ppoMaxTokenLenPerGpu: 4096 });
  expect(whole.gradient.some((slope) => slope !== 0)).toBe(true);
  const split = await updated({ ...options, ppoMaxTokenLenPerGpu: 1 });
  expectClose(split.gradient, whole.gradient, rounding, 'slopes');
  for (const [name, value] of Object.entries(whole.metrics))
    expectClose([split.metrics[name] ?? Number.NaN], [value], { relative: 1e-4, absolute: 1e-5 }, name);
}

async function updated(options: ActorUpdateOptions): Promise<{ metrics: Metrics; gradient: number[] }> {
  using tiny = openTinyPolicy();
  const sequences = offPolicy(await sampleEpisodes(tiny.sampler, 4));
  const metrics = await tiny.trainer.update(sequences, options, never);
  return { metrics, gradient: flat(await firstGradient(tiny.trainer)) };
}

/** Two tasks of two; ratios, references, weights and one expert, so that every term of every loss is at work. */
function offPolicy(sequences: readonly TrainSequence[]): TrainSequence[] {
  const rng = new Rng(11);
  const moved = (values: readonly number[], by: number): number[] =>
    values.map((value) => Math.min(-1e-3, value + by * rng.normal()));
  return sequences.map((sequence, i) => ({
    ...sequence,
    logprobs: moved(sequence.logprobs, 0.3),
    refLogprobs: moved(sequence.logprobs, 0.3),
    rolloutIsWeights: sequence.logprobs.map(() => 0.5 + rng.float()),
    group: i >> 1,
    isOffPolicy: i === 3,
  }));
}
