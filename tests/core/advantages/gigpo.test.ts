import { expect, test } from 'vitest';
import { gigpo, gigpoSettings } from '../../../core/advantages/gigpo.js';
import { advantagesIn, workedTolerance } from '../../helpers/estimated.js';
import { expectClose } from '../../helpers/expect-close.js';
import { type GivenTurn, turnMember, turnSequence } from '../../helpers/turn-members.js';

/** Two trajectories of a maze: both see `start` first; the failing one comes back to it. */
const maze = [
  member(1, [{ anchor: 'start' }, { anchor: 'door' }]),
  member(-0.1, [{ anchor: 'start', reward: -0.1 }, { anchor: 'start' }, { anchor: 'wall' }]),
];

test('the episode counts beside what followed from the same observation', () => {
  // gamma 1/2. A_E: mean .45, so ±.55. Returns from `start`: .5, -.1, 0; mean .4/3. `door` and `wall` are seen once.
  const [a, b] = [0.55, -0.55];
  expectClose(
    advantagesOf([maze], { gamma: 0.5 }),
    [a + 0.5 - 0.4 / 3, 0, a, 0, b - 0.1 - 0.4 / 3, 0, b - 0.4 / 3, 0, b, 0],
    workedTolerance,
  );
});

test('the weight scales the second advantage alone', () => {
  const without = advantagesOf([maze], { stepAdvantageW: 0 });
  expectClose(without, [0.55, 0, 0.55, 0, -0.55, 0, -0.55, 0, -0.55, 0], workedTolerance);
  const [once, twice] = [advantagesOf([maze], {}), advantagesOf([maze], { stepAdvantageW: 2 })];
  expectClose(
    twice.map((x, t) => x - without[t]!),
    once.map((x, t) => 2 * (x - without[t]!)),
    workedTolerance,
  );
});

test('with the deviation both advantages are divided by their own', () => {
  // Rewards 1 and 0: deviation .707107, A_E ±.707106. Returns from `s` with gamma 1/2: .5 and 0: deviation .353553, A_S ±.707105.
  const group = [member(1, [{ anchor: 's' }, { anchor: 'x' }]), member(0, [{ anchor: 's' }, { anchor: 'y' }])];
  expectClose(
    advantagesOf([group], { gamma: 0.5, mode: 'mean_std_norm' }),
    [Math.SQRT2, 0, Math.SQRT1_2, 0, -Math.SQRT2, 0, -Math.SQRT1_2, 0],
    workedTolerance,
  );
});

test('all sampled tokens of a turn share its advantage, in whichever sequence it is', () => {
  const sequences = [turnSequence([{ anchor: 's', tokens: 2 }]), turnSequence([{ anchor: 't', tokens: 3 }])];
  const group = [turnMember(1, sequences), member(0, [{ anchor: 's' }, { anchor: 't' }])];
  // A_E ±1/2; returns from `s` .5 and 0, from `t` 1 and 0
  expectClose(advantagesOf([group], { gamma: 0.5 }), [0.75, 0.75, 0, 1, 1, 1, 0, -0.75, 0, -1, 0], workedTolerance);
});

test('equal anchors of different groups have nothing to do with each other', () => {
  const groups = [maze, [member(5, [{ anchor: 'start' }]), member(3, [{ anchor: 'door' }])]];
  expect(advantagesOf(groups, {})).toEqual(groups.flatMap((group) => advantagesOf([group], {})));
});

test('a token that was not sampled has neither advantage nor reward', () => {
  const masked = { ...turnSequence([{ anchor: 's', reward: 7, tokens: 2 }]), mask: [1, 0, 0] as const };
  const group = [turnMember(7, [masked]), member(7, [{ anchor: 's', reward: 7 }])];
  // the return of the first turn is 0, of the second 7: A_S ∓3.5
  expectClose(advantagesOf([group], {}), [-3.5, 0, 0, 3.5, 0], workedTolerance);
});

test.each(['mean_norm', 'mean_std_norm'] as const)('equal trajectories have advantage exactly 0 in mode %s', (mode) => {
  const same = Array.from({ length: 3 }, () => member(0.1, [{ anchor: 's', reward: 0.3 }, { anchor: 't' }]));
  expect(advantagesOf([same], { mode })).toEqual(same.flatMap(() => [0, 0, 0, 0]));
});

test("a group of one is GRPO's, its lone turns add nothing", () => {
  expect(advantagesOf([[member(0.5, [{ anchor: 's' }, { anchor: 't' }])]], {})).toEqual([0.5, 0, 0.5, 0]);
});

test('empty groups, members without sequences and sequences without turns have no say', () => {
  const group = [turnMember(1, []), turnMember(0, [turnSequence([])]), ...maze];
  const estimates = gigpo([[], group], gigpoSettings.parse({ name: 'gigpo' }));
  expect(estimates[0]).toEqual([]);
  expect(estimates[1]?.[0]).toEqual([]);
  expect(estimates[1]?.[1]?.[0]?.advantages).toEqual([]);
});

test('reordering members reorders the advantages and nothing else', () => {
  const estimate = (members: typeof maze) => gigpo([members], gigpoSettings.parse({ name: 'gigpo' }))[0]!;
  const backwards = [estimate(maze.toReversed()).toReversed()];
  expectClose(advantagesIn(backwards), advantagesIn([estimate(maze)]), { relative: 1e-12, absolute: 1e-15 });
});

test.each([{ gamma: 1.1 }, { stepAdvantageW: -1 }, { mode: 'std' }])('the settings refuse %o', (given) => {
  expect(gigpoSettings.safeParse({ name: 'gigpo', ...given }).success).toBe(false);
});

function member(reward: number, turns: readonly GivenTurn[]) {
  return turnMember(reward, [turnSequence(turns)]);
}

function advantagesOf(groups: Parameters<typeof gigpo>[0], given: object): number[] {
  return advantagesIn(gigpo(groups, gigpoSettings.parse({ name: 'gigpo', ...given })));
}
