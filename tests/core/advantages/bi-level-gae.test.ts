import { expect, test } from 'vitest';
import type { EstimatorSequence } from '../../../core/advantages/advantage-estimator.js';
import { biLevelGae, biLevelGaeSettings } from '../../../core/advantages/bi-level-gae.js';
import { gae, gaeSettings } from '../../../core/advantages/gae.js';
import { advantagesIn, returnsIn, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { scoredMember } from '../../helpers/scored-members.js';
import { turnMember, turnSequence } from '../../helpers/turn-members.js';

const plain = { gamma: 1, lam: 1, gammaTurn: 1, lamTurn: 1 };

/** Turns of two tokens and of one, rewards .1 and 1 at their ends; 9 stands where nothing may look. */
const episode = valued([{ reward: 0.1, tokens: 2 }, {}], [0.5, 0.6, 9, 0.7, 9]);
const group = [turnMember(1.1, [episode])];

test('a turn looks ahead to the next, a token to the end of its turn', () => {
  // Turns: 1 - .7 = .3, then .1 + .5 * .7 - .6 + .25 * .3 = -.075. Tokens: .9 * .6 - .5 + .72 * -.075 = -.014.
  // Returns are these + values. Their mean is .0703333, their deviation .2012221.
  const estimates = estimate([group], { gamma: 0.9, lam: 0.8, gammaTurn: 0.5, lamTurn: 0.5 });
  expectClose(returnsIn(estimates), [0.486, 0.525, 0, 1, 0], workedTolerance);
  expectClose(advantagesIn(estimates), [-0.4191057, -0.7222533, 0, 1.141359, 0], workedTolerance);
});

test('without discounts and lambdas a return is the sum of rewards to come, whatever the critic says', () => {
  const first = valued([{ reward: 0.25, tokens: 3 }, { reward: -1 }], [3, 1, -2, 9, 0.5, 9]);
  const second = valued([{ reward: 2, tokens: 2 }], [-7, 4, 9]);
  const estimates = estimate([[turnMember(1.5, [first, second])]], plain);
  expectClose(returnsIn(estimates), [1.5, 1.5, 1.5, 0, 1.25, 0, 2.25, 2.25, 0], workedTolerance);
});

test('without discounts and lambdas it is GAE', () => {
  const members = [...group, turnMember(-1, [valued([{ tokens: 2 }, { reward: 0.5 }], [0.1, 0.2, 9, 0.3, 9])])];
  const tokenLevel = gae([members], gaeSettings.parse({ name: 'gae', gamma: 1, lam: 1 }));
  expectClose(advantagesIn(estimate([members], plain)), advantagesIn(tokenLevel), workedTolerance);
});

test('a critic that knows the return leaves no advantage', () => {
  const known = valued([{ reward: 0.5, tokens: 2 }, {}], [1.5, 1.5, 0, 1, 0]);
  expect(advantagesIn(estimate([[turnMember(1.5, [known])]], plain))).toEqual([0, 0, 0, 0, 0]);
});

test('a reward inside a turn stays in it', () => {
  const [before, after] = [0, -0.3].map((penalty) => {
    const sequence = valued([{}, { tokens: 2 }], [0, 0, 0, 0, 0]);
    const rewards = sequence.rewards.map((reward, t) => (t === 2 ? penalty : reward));
    return returnsIn(estimate([[turnMember(1, [{ ...sequence, rewards }])]], { ...plain, gammaTurn: 0.5 }));
  });
  // the outcome grows by .3, so that the member's reward stays 1: the first turn sees half of it
  expectClose(before!, [0.5, 0, 1, 1, 0], workedTolerance);
  expectClose(after!, [0.65, 0, 1, 1.3, 0], workedTolerance);
});

test('advantages have mean 0 over the batch; returns know of no other member', () => {
  const other = [turnMember(-1, [valued([{ tokens: 2 }], [0.1, 0.2, 9])])];
  const together = estimate([group, [], other], {});
  expect(advantagesIn(together).reduce((sum, advantage) => sum + advantage, 0)).toBeCloseTo(0, 12);
  expect(returnsIn(together)).toEqual([...returnsIn(estimate([group], {})), ...returnsIn(estimate([other], {}))]);
});

test('tokens of a turn that were not sampled are passed over', () => {
  const gap: EstimatorSequence = { ...valued([{ tokens: 3 }], [0.5, 9, 0.25, 9]), mask: [1, 0, 1, 0] };
  const estimates = estimate([[turnMember(1, [gap])]], { gamma: 0.5, lam: 0 });
  // last: 1; first: .5 * .25 = .125
  expectClose(returnsIn(estimates), [0.125, 0, 1, 0], workedTolerance);
});

test('a turn without a sampled token is none', () => {
  const masked: EstimatorSequence = {
    ...valued([{}, { reward: 5 }, {}], [0.1, 9, 9, 9, 0.3, 9]),
    mask: [1, 0, 0, 0, 1, 0],
  };
  const straight = valued([{}, {}], [0.1, 9, 0.3, 9]);
  const [with5, without] = [masked, straight].map((sequence) => {
    const rewards = sequence.mask.map((_, t) => (t === sequence.mask.lastIndexOf(1) ? 1 : 0));
    return estimate([[{ ...scoredMember(1, []), sequences: [{ ...sequence, rewards }] }]], { gammaTurn: 0.5 });
  });
  const sampled = returnsIn(with5!).filter((_, t) => masked.mask[t] === 1);
  expect(sampled).toEqual(returnsIn(without!).filter((_, t) => straight.mask[t] === 1));
});

test('members without sequences and sequences without tokens have no estimates', () => {
  const estimates = estimate([[turnMember(1, []), turnMember(0, [valued([], [])]), ...group]], {});
  expect(estimates[0]?.slice(0, 2)).toEqual([[], [{ advantages: [], returns: [] }]]);
});

test('without values it fails with their number', () => {
  expect(() => estimate([[scoredMember(1, [[1, 1]])]], {})).toThrow('bi_level_gae needs values of 2 tokens, got 0');
});

function valued(turns: Parameters<typeof turnSequence>[0], values: readonly number[]): EstimatorSequence {
  return turnSequence(turns, { values });
}

function estimate(groups: Parameters<typeof biLevelGae>[0], given: object) {
  return biLevelGae(groups, biLevelGaeSettings.parse({ name: 'bi_level_gae', ...given }));
}
