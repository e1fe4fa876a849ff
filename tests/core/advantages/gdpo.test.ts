import { expect, test } from 'vitest';
import { gdpo, gdpoSettings } from '../../../core/advantages/gdpo.js';
import { ConfigError } from '../../../core/errors.js';
import { expectOrderInvariance, flatEstimates } from '../../helpers/estimates.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const settings = gdpoSettings.parse({ name: 'gdpo', gdpoRewardKeys: ['right', 'form'] });
const relative = { relative: 1e-5, absolute: 1e-5 } as const;

test('parts of different scales weigh the same: each is normalised by itself', () => {
  // Normalised: right ±0.707, form ∓0.707 in the first group and right ±0.707, form ±0.707 in the second; sums 0, 0, ±1.414.
  const groups = [
    [member(100, 0), member(0, 1)],
    [member(100, 1), member(0, 0)],
  ];
  const estimates = gdpo(groups, settings);
  const unit = Math.sqrt(3 / 2);
  expectClose(flatEstimates(estimates), [0, 0, unit, -unit], relative);
  expect(flatEstimates(estimates, 'returns')).toEqual(flatEstimates(estimates));
});

test('weights scale the normalised parts', () => {
  const groups = [[member(100, 0), member(0, 1)]];
  const weighted = gdpo(groups, { ...settings, gdpoRewardWeights: [0.25, 1] });
  expectClose(flatEstimates(weighted), [-Math.SQRT1_2, Math.SQRT1_2], relative);
});

test('without the deviation a large part outweighs a small one', () => {
  const estimates = gdpo([[member(100, 0), member(0, 1)]], { ...settings, normAdvByStdInGrpo: false });
  expectClose(flatEstimates(estimates), [Math.SQRT1_2, -Math.SQRT1_2], relative);
});

test('a part that is not named and the reward itself do not count', () => {
  const [plain, odd] = [
    [member(1, 0), member(0, 0)],
    [member(1, 0, 7), member(0, 0, -7)],
  ];
  expect(gdpo([odd], settings)).toEqual(gdpo([plain], settings));
});

test('a missing part is a ConfigError that names it and those there are', () => {
  const run = (): unknown => gdpo([[scoredMember(1, [[1]], { rewardParts: { right: 1 } })]], settings);
  expect(run).toThrow(ConfigError);
  expect(run).toThrow("no part 'form'; it has right");
});

test.each([
  ['no keys', {}],
  ['an empty list of keys', { gdpoRewardKeys: [] }],
  ['more keys than weights', { gdpoRewardKeys: ['a', 'b'], gdpoRewardWeights: [1] }],
])('settings with %s are refused', (_, given) => {
  expect(gdpoSettings.safeParse({ name: 'gdpo', ...given }).success).toBe(false);
});

test('equal parts have advantage exactly 0, unsampled tokens and missing ones none', () => {
  expect(flatEstimates(gdpo([[member(0.1, 0.3), member(0.1, 0.3), member(0.1, 0.3)]], settings))).toEqual([0, 0, 0]);
  const gap = scoredMember(1, [[1, 0], [1]], { rewardParts: { right: 1, form: 0 } });
  const [[first] = []] = gdpo([[gap, member(0, 0)]], settings);
  expect(first?.[0]?.advantages[1]).toBe(0);
  const { rewardParts } = gap;
  expect(gdpo([[], [scoredMember(1, [], { rewardParts })]], settings)).toEqual([[], [[]]]);
});

test('order does not matter', () => {
  const groups = [[member(1, 0), member(0.5, 0.2), member(0, 1)], [], [member(3, 0), member(1, 1)]];
  expectOrderInvariance((given) => gdpo(given, settings), groups);
});

function member(right: number, form: number, reward = right + form) {
  return scoredMember(reward, [[1]], { rewardParts: { right, form, other: reward } });
}
