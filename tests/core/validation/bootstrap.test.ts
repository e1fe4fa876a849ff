import { expect, test } from 'vitest';
import { Bootstrap } from '../../../core/validation/bootstrap.js';

const values = [0, 0.25, 0.5, 1, 1, 2];

test('best@k and worst@k are near what drawing with replacement must give', () => {
  const bootstrap = new Bootstrap();
  for (const k of [2, 4, 6]) {
    const best = expectedBest(values, k);
    const worst = expectedBest(
      values.map((value) => -value),
      k,
    );
    expectNear(bootstrap.best(values, k), best);
    expectNear(bootstrap.worst(values, k), { mean: -worst.mean, std: worst.std });
  }
});

test('maj@k is near what drawing with replacement must give', () => {
  const majority = new Bootstrap().majority([1, 1, 0], ['4', '4', '5'], 3);
  const right = (2 / 3) ** 3 + 3 * (2 / 3) ** 2 * (1 / 3);
  expectNear(majority, { mean: right, std: Math.sqrt(right * (1 - right)) });
});

test('equal samples leave no doubt', () => {
  const bootstrap = new Bootstrap();
  expect(bootstrap.best([0.1, 0.1, 0.1], 2)).toEqual({ mean: 0.1, std: 0 });
  expect(bootstrap.worst([0.3], 8)).toEqual({ mean: 0.3, std: 0 });
  expect(bootstrap.majority([0.7, 0.7], ['a', 'b'], 2)).toEqual({ mean: 0.7, std: 0 });
});

test('of equally frequent answers the first drawn wins', () => {
  const { mean } = new Bootstrap().majority([1, 0], ['a', 'b'], 2);
  expectNear({ mean, std: 0.5 }, { mean: 0.5, std: 0.5 });
});

test('an answer is worth what its first sample is worth', () => {
  const { mean, std } = new Bootstrap().majority([1, 0], ['a', 'a'], 4);
  expectNear({ mean, std }, { mean: 0.5, std: 0.5 });
});

test('samples without an answer vote together', () => {
  const { mean } = new Bootstrap().majority([0, 0, 0, 1], [undefined, undefined, undefined, '4'], 64);
  expect(mean).toBeLessThan(0.01);
});

test('the order of samples plays no part in best and worst', () => {
  const bootstrap = new Bootstrap();
  const reversed = [...values].reverse();
  expect(bootstrap.best(reversed, 3)).toEqual(bootstrap.best(values, 3));
  expect(bootstrap.worst(reversed, 3)).toEqual(bootstrap.worst(values, 3));
});

test('the draws depend only on the number of samples and k', () => {
  const [first, second] = [new Bootstrap(), new Bootstrap()];
  first.best(values, 4);
  expect(first.best(values, 2)).toEqual(second.best(values, 2));
  const doubled = second.best(
    values.map((value) => 2 * value),
    2,
  );
  expect(doubled.mean).toBeCloseTo(2 * first.best(values, 2).mean, 12);
});

interface Summary {
  readonly mean: number;
  readonly std: number;
}

/** The greatest of k draws is at most the i-th smallest of n values with probability (i / n)^k. */
function expectedBest(samples: readonly number[], k: number): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const chances = sorted.map((_, i) => ((i + 1) / sorted.length) ** k - (i / sorted.length) ** k);
  const mean = sorted.reduce((sum, value, i) => sum + value * (chances[i] ?? 0), 0);
  const square = sorted.reduce((sum, value, i) => sum + value ** 2 * (chances[i] ?? 0), 0);
  return { mean, std: Math.sqrt(square - mean ** 2) };
}

/** Within four standard errors of the mean of 1000 draws. */
function expectNear(actual: Summary, expected: Summary): void {
  expect(Math.abs(actual.mean - expected.mean)).toBeLessThan((4 * expected.std) / Math.sqrt(1000));
  expect(Math.abs(actual.std - expected.std)).toBeLessThan(0.15 * expected.std);
}
