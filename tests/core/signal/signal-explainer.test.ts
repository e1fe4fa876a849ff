import { expect, test } from 'vitest';
import { type GroupView, groupSignal } from '../../../core/signal/group-signal.js';
import { SignalExplainer, signalExplainerState } from '../../../core/signal/signal-explainer.js';
import { failed, groupView, scored } from '../../helpers/group-views.js';

const learning = groupView([scored(1), scored(0)], [0.5, -0.5]);
const solved = groupView([scored(1), scored(1)], [0, 0]);
const unsolved = groupView([scored(0), scored(0)], [0, 0]);
const cut = groupView([scored(0, 'max_turns'), scored(0, 'max_turns')], [0, 0]);
const lost = groupView([failed('sandbox_died'), failed('sandbox_died')], []);

test('the second flat step is explained, and the same reason once', () => {
  const told = sentences([[unsolved], [unsolved, cut, unsolved], [unsolved]]);
  expect(told[0]).toBeUndefined();
  expect(told[1]).toContain('no group had a gradient for 2 steps: 2 of 3 groups have members of equal reward (mean 0)');
  expect(told[2]).toBeUndefined();
});

test('another main reason is told anew', () => {
  const told = sentences([[unsolved], [unsolved], [cut, cut, unsolved], [cut]]);
  expect(told[2]).toContain(
    '3 steps: 2 of 3 groups were cut off in every member; most often by max_turns: raise rollout.maxTurns',
  );
  expect(told[3]).toBeUndefined();
});

test('where two reasons are as frequent, the one that was told stays', () => {
  expect(sentences([[unsolved], [unsolved], [cut, unsolved], [unsolved, cut]]).slice(2)).toEqual([
    undefined,
    undefined,
  ]);
});

test('one group that learns starts the count anew', () => {
  const told = sentences([
    [unsolved],
    [unsolved, learning],
    [unsolved],
    [unsolved],
    [learning],
    [unsolved],
    [unsolved],
  ]);
  expect(told.map((sentence) => sentence !== undefined)).toEqual([false, false, false, true, false, false, true]);
});

test('a step without groups neither ends nor lengthens the count', () => {
  expect(sentences([[unsolved], [], [unsolved]]).map(Boolean)).toEqual([false, false, true]);
});

test('equal rewards advise by what is equal', () => {
  expect(lastOf([solved, unsolved])).toContain('a task is solved always or never: set env to tasks in between');
  expect(lastOf([unsolved])).toContain('set env to tasks of another difficulty');
  expect(lastOf([groupView([scored(0)], [0])])).toContain('raise rollout.n: one member');
});

test('failed, filtered and stale groups name what to turn to', () => {
  expect(lastOf([lost])).toContain('most often by sandbox_died');
  expect(lastOf([{ ...solved, isFiltered: true }])).toContain('all of 1 groups were filtered out (mean 1)');
  expect(lastOf([{ ...lost, isFiltered: true }])).toContain('were filtered out; ');
  expect(lastOf([{ ...solved, isStale: true }])).toContain('weights too old to learn from');
  const sequences = [{ advantages: [1], mask: [0] }] as const;
  expect(lastOf([{ ...solved, sequences }])).toContain('every member; raise rollout.maxResponseTokens');
});

test('what it remembers survives JSON: a resumed run says what an uninterrupted one would', () => {
  const before = new SignalExplainer();
  before.observe([groupSignal(unsolved)]);
  const resumed = new SignalExplainer(signalExplainerState.parse(JSON.parse(JSON.stringify(before.state))));
  expect(resumed.observe([groupSignal(unsolved)])).toBe(sentences([[unsolved], [unsolved]])[1]);
});

function sentences(steps: readonly (readonly GroupView[])[]): readonly (string | undefined)[] {
  const explainer = new SignalExplainer();
  return steps.map((views) => explainer.observe(views.map(groupSignal)));
}

function lastOf(views: readonly GroupView[]): string | undefined {
  return sentences([views, views])[1];
}
