import { expect, test } from 'vitest';
import { grpo } from '../../../core/advantages/grpo.js';
import { mtGrpo, mtGrpoSettings } from '../../../core/advantages/mt-grpo.js';
import { advantagesIn, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { type GivenTurn, turnMember, turnSequence } from '../../helpers/turn-members.js';

test("of two turns the first has the outcome's and its own advantage, the last the outcome's alone", () => {
  // The paper's case. Outcomes 1, 0: A_O ±.707106. Turn rewards 0, .5: A_T ∓.707105.
  const group = [member(1, [{}, {}]), member(0.5, [{ reward: 0.5 }, {}])];
  expectClose(
    advantagesOf([group], { turnCoef: 2 }),
    [Math.SQRT1_2 - Math.SQRT2, 0, Math.SQRT1_2, 0, -Math.SQRT1_2 + Math.SQRT2, 0, -Math.SQRT1_2, 0],
    workedTolerance,
  );
});

test('a turn is credited with its own rewards and those after it', () => {
  // Outcomes 0, 0. Returns to go .1 + .2 + .3, .2 + .3, .3 against .4, 0, 0 of a member that ended: means .5, .25, .15.
  const group = [member(0.6, [{ reward: 0.1 }, { reward: 0.2 }, { reward: 0.3 }]), member(0.4, [{ reward: 0.4 }])];
  expectClose(
    advantagesOf([group], { normAdvByStdInGrpo: false }),
    [0.1, 0, 0.25, 0, 0.15, 0, -0.1, 0],
    workedTolerance,
  );
});

test('the baseline of a turn does not depend on when the trajectory itself ends', () => {
  // Two more turns without a reward, where nobody of the group got any more: they are worth 0, and the first turn what it was.
  const other = member(0.5, [{ reward: 0.5 }]);
  const short = advantagesOf([[member(1, [{ reward: 1 }]), other]], { normAdvByStdInGrpo: false });
  const long = advantagesOf([[member(1, [{ reward: 1 }, {}, {}]), other]], { normAdvByStdInGrpo: false });
  expect([long[0], long[2], long[4], long.at(-2)]).toEqual([short[0], 0, 0, short.at(-2)]);
});

test('without rewards of turns it is GRPO', () => {
  const group = [member(1, [{ tokens: 2 }, {}]), member(0.25, [{}]), member(0, [])];
  expect(advantagesOf([group], {})).toEqual(advantagesIn(grpo([group], { name: 'grpo', normAdvByStdInGrpo: true })));
});

test('without weight on turns it is GRPO of the outcome', () => {
  const group = [member(1.5, [{ reward: 0.5 }, {}]), member(0.75, [{ reward: 0.75 }])];
  // outcomes 1 and 0
  expect(advantagesOf([group], { turnCoef: 0, normAdvByStdInGrpo: false })).toEqual([0.5, 0, 0.5, 0, -0.5, 0]);
});

test('turns of later sequences follow those of earlier ones', () => {
  const [first, second] = [turnSequence([{ reward: 1, tokens: 2 }]), turnSequence([{ reward: 2 }])];
  const apart = turnMember(3, [first, second]);
  const together = member(3, [{ reward: 1, tokens: 2 }, { reward: 2 }]);
  const other = member(0, [{}, {}]);
  expect(advantagesOf([[apart, other]], {})).toEqual(advantagesOf([[together, other]], {}));
});

test('one of n has at most (n - 1)/sqrt(n) in each of its parts', () => {
  const group = [member(1e6, [{}, {}, { reward: 1e6 }]), ...[0, 0, 0].map(() => member(0, [{}]))];
  // three of four are 0: 3/4 / (1/2) = 1.5
  expectClose(advantagesOf([group], {}).slice(0, 6), [1.5, 0, 1.5, 0, 1.5, 0], workedTolerance);
});

test('a group of one keeps its outcome and its returns to go', () => {
  const group = [member(2, [{ reward: 0.25 }, { reward: 0.75 }])];
  expect(advantagesOf([group], { normAdvByStdInGrpo: false })).toEqual([2, 0, 1.75, 0]);
});

test('equal trajectories have advantage exactly 0', () => {
  const same = [0, 0, 0].map(() => member(0.1, [{ reward: 0.3 }, {}]));
  expect(advantagesOf([same], {})).toEqual(same.flatMap(() => [0, 0, 0, 0]));
});

test('groups do not see each other, and may be empty', () => {
  const groups = [[member(1, [{ reward: 1 }]), member(0, [{}])], [], [member(3, [{}]), turnMember(1, [])]];
  expect(advantagesOf(groups, {})).toEqual(groups.flatMap((group) => advantagesOf([group], {})));
  expect(mtGrpo([], mtGrpoSettings.parse({ name: 'mt_grpo' }))).toEqual([]);
});

function member(reward: number, turns: readonly GivenTurn[]) {
  return turnMember(reward, [turnSequence(turns)]);
}

function advantagesOf(groups: Parameters<typeof mtGrpo>[0], given: object): number[] {
  return advantagesIn(mtGrpo(groups, mtGrpoSettings.parse({ name: 'mt_grpo', ...given })));
}
