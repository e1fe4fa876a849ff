import { expect, test } from 'vitest';
import type { Outcome, Reward, TrajectoryGroup } from '../../../core/types.js';
import { validationMetrics } from '../../../core/validation/validation-metrics.js';
import { exampleTrajectory } from '../../helpers/trajectories.js';

const failed = { status: 'failed', error: { code: 'sandbox_died', message: 'died', retryable: true } } as const;

test('one sample a prompt gives the mean over prompts, each data source and each part by itself', () => {
  const metrics = validationMetrics([
    prompt('gsm8k', [scored(1, { format: 1 })]),
    prompt('aime', [scored(0, { format: 1 })]),
    prompt('gsm8k', [scored(0, { format: 0.5 })]),
  ]);
  expect(metrics).toEqual({
    'val-core/gsm8k/reward/mean@1': 0.5,
    'val-aux/gsm8k/format/mean@1': 0.75,
    'val-aux/gsm8k/reward/pass@1': 0.5,
    'val-aux/gsm8k/tool_call_rate': 1,
    'val-core/aime/reward/mean@1': 0,
    'val-aux/aime/format/mean@1': 1,
    'val-aux/aime/reward/pass@1': 0,
    'val-aux/aime/tool_call_rate': 1,
    'val-aux/num_turns/min': 2,
    'val-aux/num_turns/max': 2,
    'val-aux/num_turns/mean': 2,
    'val-aux/failed': 0,
  });
});

test('acc takes the place of the reward in the core', () => {
  const metrics = validationMetrics([prompt('sum', [scored(0.5, { acc: 1 })])]);
  expect(metrics).toMatchObject({ 'val-core/sum/acc/mean@1': 1, 'val-aux/sum/reward/mean@1': 0.5 });
  expect(metrics).toHaveProperty('val-aux/sum/acc/pass@1', 1);
  expect(metrics).not.toHaveProperty('val-aux/sum/reward/pass@1');
});

test('of several samples only mean, best and maj at the largest number are core', () => {
  const samples = [1, 0, 0, 1].map((value) => scored(value, {}, value === 1 ? '4' : '5'));
  const names = Object.keys(validationMetrics([prompt('sum', samples)]));
  const core = ['mean@4', 'best@4/mean', 'best@4/std', 'maj@4/mean', 'maj@4/std'];
  expect(new Set(names.filter((name) => name.startsWith('val-core/')))).toEqual(
    new Set(core.map((metric) => `val-core/sum/reward/${metric}`)),
  );
  const rest = ['std@4', 'best@2/mean', 'worst@2/std', 'worst@4/mean', 'maj@2/mean', 'pass@1', 'pass@2', 'pass@4'];
  expect(names).toEqual(expect.arrayContaining(rest.map((metric) => `val-aux/sum/reward/${metric}`)));
});

test('three samples have the sizes 2 and 3', () => {
  const names = Object.keys(validationMetrics([prompt('sum', [scored(1), scored(0), scored(0)])]));
  const sizes = names.filter((name) => name.includes('best@') && name.endsWith('/mean'));
  expect(sizes).toEqual(['val-aux/sum/reward/best@2/mean', 'val-core/sum/reward/best@3/mean']);
});

test('mean, deviation and pass@k are of a prompt, then averaged over prompts', () => {
  const metrics = validationMetrics([
    prompt('sum', [scored(1), scored(0), scored(0), scored(0)]),
    prompt('sum', [scored(1), scored(1), scored(1), scored(1)]),
  ]);
  expect(metrics['val-core/sum/reward/mean@4']).toBeCloseTo(0.625, 12);
  expect(metrics['val-aux/sum/reward/std@4']).toBeCloseTo(Math.sqrt(0.1875) / 2, 12);
  expect(metrics['val-aux/sum/reward/pass@1']).toBeCloseTo((0.25 + 1) / 2, 12);
  expect(metrics['val-aux/sum/reward/pass@2']).toBeCloseTo((0.5 + 1) / 2, 12);
  expect(metrics['val-aux/sum/reward/pass@4']).toBe(1);
});

test('a success is a value of at least 1', () => {
  const metrics = validationMetrics([prompt('sum', [scored(1.2), scored(0.99)])]);
  expect(metrics['val-aux/sum/reward/pass@1']).toBe(0.5);
});

test('a failed rollout is counted, and its prompt is judged by the samples it has', () => {
  const metrics = validationMetrics([
    prompt('sum', [scored(1), failed, scored(1), failed]),
    prompt('sum', [scored(0), scored(0), scored(0), scored(0)]),
    prompt('sum', [failed, failed, failed, failed]),
  ]);
  expect(metrics).toMatchObject({ 'val-core/sum/reward/mean@4': 0.5, 'val-aux/failed': 6 });
  expect(metrics['val-core/sum/reward/best@4/mean']).toBe(0.5);
  expect(metrics['val-aux/sum/reward/pass@2']).toBe(0.5);
  expect(metrics['val-aux/sum/reward/pass@4']).toBe(0);
});

test('without an answer anywhere there is no vote', () => {
  const names = Object.keys(validationMetrics([prompt('sum', [scored(1), scored(0)])]));
  expect(names.filter((name) => name.includes('maj@'))).toEqual([]);
});

test('a prompt without answers votes for having none where other prompts have answers', () => {
  const metrics = validationMetrics([
    prompt('sum', [scored(1, {}, '4'), scored(1, {}, '4')]),
    prompt('sum', [scored(0), scored(0)]),
  ]);
  expect(metrics['val-core/sum/reward/maj@2/mean']).toBe(0.5);
});

test('a sample that lacks a part is not in its statistics', () => {
  const metrics = validationMetrics([
    prompt('sum', [scored(1, { speed: 3 }), scored(0)]),
    prompt('sum', [scored(0, { speed: Number.NaN }), scored(0)]),
  ]);
  expect(metrics['val-aux/sum/speed/mean@2']).toBe(3);
  expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
});

test('a part cannot take the name of the reward', () => {
  const metrics = validationMetrics([prompt('sum', [scored(1, { reward: 7 })])]);
  expect(metrics['val-core/sum/reward/mean@1']).toBe(1);
});

test('an evaluation of nothing, or of failures alone, says only what failed', () => {
  expect(validationMetrics([])).toEqual({ 'val-aux/failed': 0 });
  expect(validationMetrics([prompt('sum', [failed])])).toEqual({ 'val-aux/failed': 1 });
});

test('equal groups give equal metrics', () => {
  const groups = [prompt('sum', [scored(1), scored(0), scored(0.5)]), prompt('sum', [scored(0), scored(1)])];
  expect(validationMetrics(groups)).toEqual(validationMetrics(groups));
});

function prompt(dataSource: string, outcomes: readonly Outcome[]): TrajectoryGroup {
  return { task: { id: 'task', dataSource, data: null }, outcomes };
}

function scored(value: number, parts: Reward['parts'] = {}, pred?: string): Outcome {
  const reward = { value, parts, ...(pred === undefined ? {} : { pred }) };
  return { status: 'scored', trajectory: exampleTrajectory({ reward, metrics: { num_turns: 2 } }) };
}
