import { expect, test } from 'vitest';
import { choosePolicyLoss } from '../../../core/algorithms.js';
import { lossAggModes } from '../../../core/losses/aggregate.js';
import { type LossSequence, type MiniBatchLoss, miniBatchLoss } from '../../../core/losses/mini-batch-loss.js';
import { Rng } from '../../../core/rng.js';
import { expectClose } from '../../helpers/expect-close.js';
import { withBackends } from '../../helpers/gradient.js';
import { policyLossNames } from '../../helpers/policy-loss-names.js';

const tolerance = { relative: 1e-5, absolute: 1e-6 };
const rng = new Rng(5);
const miniBatch = [4, 7, 0, 1, 12, 5, 3].map(sequence);

withBackends(() => {
  test.each(policyLossNames)('%s is the same however a mini-batch is split into micro-batches', async (name) => {
    const chosen = choosePolicyLoss({ name });
    for (const lossAggMode of lossAggModes) {
      const split = (microBatchSize: number): Promise<MiniBatchLoss> =>
        miniBatchLoss(chosen, miniBatch, { lossAggMode, lossScaleFactor: 9, microBatchSize, seed: 3 });
      const whole = await split(miniBatch.length);
      expect(whole.gradients.flat().some((slope) => slope !== 0)).toBe(true);
      for (const size of [1, 3]) expectSame(await split(size), whole, `${lossAggMode}, ${size} at once`);
    }
  });
});

function expectSame(actual: MiniBatchLoss, expected: MiniBatchLoss, what: string): void {
  expectClose([actual.loss], [expected.loss], tolerance, `loss, ${what}`);
  expectClose(actual.gradients.flat(), expected.gradients.flat(), tolerance, `gradient, ${what}`);
  for (const [name, value] of Object.entries(expected.metrics))
    expectClose([actual.metrics[name]!], [value], tolerance, `${name}, ${what}`);
}

/** Random, with advantages of both signs in each group. */
function sequence(length: number, i: number): LossSequence {
  const column = (of: () => number): number[] => Array.from({ length }, of);
  const sign = i % 2 === 0 ? 1 : -1;
  return {
    logProbs: column(() => -3 * rng.float()),
    oldLogProbs: column(() => -3 * rng.float()),
    advantages: column(() => sign * (0.2 + 2 * rng.float())),
    rolloutIsWeights: column(() => 0.5 + rng.float()),
    refLogProbs: column(() => -3 * rng.float()),
    isOffPolicy: i === 4,
    group: i >> 2,
  };
}
