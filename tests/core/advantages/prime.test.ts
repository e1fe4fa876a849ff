import { expect, test } from 'vitest';
import type { ScoredMember } from '../../../core/advantages/advantage-estimator.js';
import { prime, primeSettings } from '../../../core/advantages/prime.js';
import { advantagesIn, returnsIn, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';

const [won, lost] = [member(1, [0.2, 0.4]), member(0, [-0.1])];
const even = { rewardDpoCoef: 1, rewardGtCoef: 1, primeNorm: 'none' };

test('both sources are relative to the others of the group and summed from each token on', () => {
  // n/(n - 1) = 2. Process: means .3 and -.1, so 2 r - .2: .2, .6 and -.4. Outcome: 2 - 1 = 1 and -1, at the last tokens.
  // Returns .2 + 1.6, 1.6 and -1.4 have mean 2/3 and deviation 1.792577.
  const estimates = estimate([[won, lost]], even);
  expectClose(returnsIn(estimates), [1.8, 1.6, -1.4], workedTolerance);
  expectClose(advantagesIn(estimates), [0.6322369, 0.5206657, -1.1529026], workedTolerance);
});

test('process rewards are divided by the largest of their returns in the batch', () => {
  // .2 + .4 = .6 is the largest, so x is .2/.6, .6/.6, -.4/.6
  const estimates = estimate([[won, lost]], { ...even, primeNorm: 'batch_norm' });
  expectClose(returnsIn(estimates), [2 + 1 / 3, 2, -1 - 2 / 3], workedTolerance);
});

test('each source has its weight', () => {
  const process = returnsIn(estimate([[won, lost]], { ...even, rewardGtCoef: 0 }));
  const outcome = returnsIn(estimate([[won, lost]], { ...even, rewardDpoCoef: 0 }));
  expectClose(process, [0.8, 0.6, -0.4], workedTolerance);
  expectClose(outcome, [1, 1, -1], workedTolerance);
  const weighted = returnsIn(estimate([[won, lost]], { ...even, rewardDpoCoef: 3, rewardGtCoef: 2 }));
  expectClose(
    weighted,
    process.map((x, t) => 3 * x + 2 * (outcome[t] ?? 0)),
    workedTolerance,
  );
});

test('what was not sampled has neither rewards nor advantage, and sequences follow each other', () => {
  const apart = member(
    1,
    [9, 0.2, 9, 0.4, 9],
    [
      [0, 1, 0],
      [1, 0],
    ],
  );
  const estimates = estimate([[apart, lost]], even);
  expectClose(returnsIn(estimates), [0, 1.8, 0, 1.6, 0, -1.4], workedTolerance);
  expectClose(advantagesIn(estimates), [0, 0.6322369, 0, 0.5206657, 0, -1.1529026], workedTolerance);
});

test('returns know of no other group but by the largest of the batch', () => {
  const other = [member(0, [0.1]), member(1, [0.3])];
  const alone = [...returnsIn(estimate([[won, lost]], even)), ...returnsIn(estimate([other], even))];
  expect(returnsIn(estimate([[won, lost], [], other], even))).toEqual(alone);
  const normed = { ...even, primeNorm: 'batch_norm' };
  expect(returnsIn(estimate([other], normed))).not.toEqual(returnsIn(estimate([[won, lost], other], normed)).slice(3));
});

test('a group of one has no baseline', () => {
  expectClose(returnsIn(estimate([[won]], even)), [1.6, 1.4], workedTolerance);
});

test('a member without a sampled token counts with its outcome, not with its process', () => {
  // Outcomes 1, 0, 0: 3/2 (R - 1/3) = 1 and -1/2. Process as of the two others alone.
  const estimates = estimate([[won, lost, member(0, [9], [[0]])]], even);
  expectClose(returnsIn(estimates), [1.8, 1.6, -0.9, 0], workedTolerance);
  expect(estimate([[won, lost, member(0, [], [])]], even)[0]?.[2]).toEqual([]);
});

test('equal members have advantage exactly 0 where their returns are equal', () => {
  const same = [0, 0, 0].map(() => member(1, [0.3]));
  expect(advantagesIn(estimate([same], {}))).toEqual([0, 0, 0]);
  expect(advantagesIn(estimate([[member(0, [0]), member(0, [0])]], {}))).toEqual([0, 0]);
});

test('reordering members and groups reorders the advantages and nothing else', () => {
  const other = [member(0, [0.1]), member(1, [0.3, -2])];
  const forwards = estimate([[won, lost], other], {});
  const backwards = estimate([other.toReversed(), [lost, won]], {});
  const restored = backwards.toReversed().map((members) => members.toReversed());
  expectClose(advantagesIn(restored), advantagesIn(forwards), { relative: 1e-12, absolute: 1e-15 });
});

test('without process rewards it fails with their number', () => {
  expect(() => estimate([[scoredMember(1, [[1, 1]])]], {})).toThrow('prime needs process rewards of 2 tokens, got 0');
});

/** Process rewards token by token, of one sequence after the other. */
function member(
  reward: number,
  processRewards: readonly number[],
  masks: readonly (readonly (0 | 1)[])[] = [processRewards.map(() => 1)],
): ScoredMember {
  const given = processRewards.values();
  const { sequences, ...rest } = scoredMember(reward, masks);
  return {
    ...rest,
    sequences: sequences.map((sequence) => ({
      ...sequence,
      processRewards: sequence.mask.map(() => given.next().value ?? 0),
    })),
  };
}

function estimate(groups: Parameters<typeof prime>[0], given: object) {
  return prime(groups, primeSettings.parse({ name: 'prime', ...given }));
}
