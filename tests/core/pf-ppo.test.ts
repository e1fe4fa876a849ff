import { expect, test } from 'vitest';
import { pfPpoConfig, pfPpoResample } from '../../core/pf-ppo.js';
import { Rng } from '../../core/rng.js';

/** How often each index was drawn from so many copies of a batch, as shares. */
function shares(scores: readonly number[], given: object): number[] {
  const config = pfPpoConfig.parse(given);
  const rng = new Rng(1);
  const drawn = Array.from({ length: 4000 }, () => pfPpoResample(scores, config, rng)).flat();
  return scores.map((_, i) => drawn.filter((index) => index === i).length / drawn.length);
}

function expectShares(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, share] of expected.entries()) expect(Math.abs((actual[i] ?? 1) - share)).toBeLessThan(0.02);
}

test('pow draws by the square of the score', () => {
  expectShares(shares([1, -2, 0], {}), [0.2, 0.8, 0]);
  expectShares(shares([1, -2, 0], { weightPow: 1 }), [1 / 3, 2 / 3, 0]);
});

test('max_min draws the best and the worst only', () => {
  expectShares(shares([0.5, 1, 0, 0.7], { reweightMethod: 'max_min' }), [0, 0.5, 0.5, 0]);
});

test('max_random draws the best four times as often as any other', () => {
  expectShares(shares([0.5, 1, 0, 0.7], { reweightMethod: 'max_random' }), [1 / 7, 4 / 7, 1 / 7, 1 / 7]);
});

test('scores that all weigh nothing are drawn alike', () => {
  expectShares(shares([0, 0], {}), [0.5, 0.5]);
});

test('as many are drawn as there are, the same for the same seed', () => {
  const scores = [1, 2, 3, 4, 5];
  const draw = () => pfPpoResample(scores, pfPpoConfig.parse({}), new Rng(9));
  expect(draw()).toHaveLength(5);
  expect(draw()).toEqual(draw());
  expect(pfPpoResample([], pfPpoConfig.parse({}), new Rng(9))).toEqual([]);
});
