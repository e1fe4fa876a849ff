import { expect, test } from 'vitest';
import { isLossAggMode, type LossAggMode, lossAggModes, tokenWeights } from '../../../core/losses/aggregate.js';
import { expectClose } from '../../helpers/expect-close.js';

const scale = 4;

test.each([
  ['token-mean', 2.5],
  ['seq-mean-token-sum', 5],
  ['seq-mean-token-mean', 3],
  ['seq-mean-token-sum-norm', 2.5],
  ['token-sum', 10],
] as const)('%s of losses 1, 2, 3 and 4 in two sequences is %f', (mode, expected) => {
  expectClose([aggregate(mode, [[1, 2, 3], [4]])], [expected], { relative: 1e-12, absolute: 0 });
});

test.each(lossAggModes)('%s does not count sequences without a sampled token', (mode) => {
  const [first, , third] = tokenWeights(mode, [3, 0, 1], scale);
  expect([first, third]).toEqual(tokenWeights(mode, [3, 1], scale));
  expect(tokenWeights(mode, [0, 0], scale)).toEqual([0, 0]);
  expect(tokenWeights(mode, [], scale)).toEqual([]);
});

test.each(lossAggModes)('%s is the same however a mini-batch is split into micro-batches', (mode) => {
  const losses = [[1, -2, 3], [4], [], [5, 6], [0.5, 0.25, 8, -9]];
  const counts = losses.map((row) => row.length);
  const weights = tokenWeights(mode, counts, scale);
  const part = (rows: readonly number[]): number =>
    rows.reduce((sum, b) => sum + weights[b]! * losses[b]!.reduce((a, loss) => a + loss, 0), 0);
  const split = part([4, 0]) + part([2]) + part([3, 1]);
  expectClose([split], [aggregate(mode, losses)], { relative: 1e-12, absolute: 0 });
});

test.each(lossAggModes)('%s in another order gives each sequence the same weight', (mode) => {
  expect(tokenWeights(mode, [7, 2, 0, 5], scale).toReversed()).toEqual(tokenWeights(mode, [5, 0, 2, 7], scale));
});

test('means of any kind have weights that sum to 1', () => {
  const counts = [3, 1, 0, 12];
  for (const mode of ['token-mean', 'seq-mean-token-mean'] as const) {
    const total = tokenWeights(mode, counts, scale).reduce((sum, weight, i) => sum + weight * counts[i]!, 0);
    expect(total).toBeCloseTo(1, 12);
  }
});

test('modes are recognised by their whole name', () => {
  expect(['token-mean', 'tokenMean', ''].map(isLossAggMode)).toEqual([true, false, false]);
});

function aggregate(mode: LossAggMode, losses: readonly (readonly number[])[]): number {
  const weights = tokenWeights(
    mode,
    losses.map((row) => row.length),
    scale,
  );
  return losses.reduce((sum, row, b) => sum + weights[b]! * row.reduce((a, loss) => a + loss, 0), 0);
}
