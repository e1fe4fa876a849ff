import { expect, test } from 'vitest';
import { evaluationMetrics, meanReward, rolloutMetrics, toolCallRate } from '../../core/step-metrics.js';
import type { ToolCallRecord, Trajectory, TrajectoryGroup } from '../../core/types.js';
import { experienceOf } from '../helpers/experience.js';
import { exampleGroup, exampleTrajectory } from '../helpers/trajectories.js';

const failed = { status: 'failed', error: { code: 'sandbox_died', message: 'died', retryable: true } } as const;

test("scores, advantages and lengths have verl's names and hand-worked values", async () => {
  const metrics = await metricsOf([groupOf(withReward(1), withReward(0))]);
  expect(metrics).toMatchObject({
    'critic/score/mean': 0.5,
    'critic/score/max': 1,
    'critic/score/min': 0,
    'critic/rewards/mean': 0.5,
    'critic/advantages/max': 0.5,
    'critic/advantages/min': -0.5,
    'critic/advantages/mean': 0,
    'prompt_length/mean': 2,
    'response_length/mean': 4,
    'response_length/sampled_mean': 3,
    'perf/total_num_tokens': 12,
  });
});

test('failed and cancelled rollouts are counted and are in no score', async () => {
  const scored = withReward(1);
  const metrics = await metricsOf([exampleGroup(scored), { ...groupOf(scored), outcomes: [failed, failed] }]);
  expect(metrics).toMatchObject({ 'rollout/scored': 1, 'rollout/failed': 3, 'rollout/cancelled': 1 });
  expect(metrics).toMatchObject({ 'critic/score/mean': 1, 'critic/score/min': 1, 'rollout/tool_call_rate': 1 });
});

test('a step without a scored rollout has counts and no scores', async () => {
  const metrics = await metricsOf([{ ...groupOf(), outcomes: [failed] }]);
  expect(metrics).not.toHaveProperty('critic/score/mean');
  expect(metrics).not.toHaveProperty('critic/advantages/mean');
  expect(metrics).toMatchObject({ 'rollout/failed': 1, 'rollout/scored': 0 });
  expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
});

test('a step of nothing has finite metrics', () => {
  expect(Object.values(rolloutMetrics([], [])).every(Number.isFinite)).toBe(true);
  expect(evaluationMetrics([])).toEqual({ 'val-aux/failed': 0 });
});

test('the tool call rate is the share of trajectories with a call that ran', () => {
  const none = withCalls();
  const broken = withCalls({ name: 'python', durationMs: 0, error: 'bad_arguments' });
  const ran = withCalls({ name: 'python', durationMs: 1 }, { name: 'python', durationMs: 0, error: 'unparsable' });
  expect(toolCallRate([none, broken, ran, ran])).toBe(0.5);
  expect(toolCallRate([])).toBe(0);
});

test('tool calls and their errors are counted a trajectory', async () => {
  const [good, bad] = [{ name: 'python', durationMs: 1 }, { name: 'python', durationMs: 0, error: 'failed' } as const];
  const metrics = await metricsOf([groupOf(withCalls(good, bad, bad), withCalls(good))]);
  expect(metrics).toMatchObject({
    'tool_call_counts/mean': 2,
    'tool_call_counts/max': 3,
    'tool_call_counts/min': 1,
    'rollout/tool_errors': 1,
  });
});

test('episodes that a budget ended are in the clip ratio', async () => {
  const stopped = (stopReason: Trajectory['stopReason']): Trajectory => exampleTrajectory({ stopReason });
  const metrics = await metricsOf([groupOf(stopped('terminated'), stopped('max_turns'), stopped('deadline'))]);
  expect(metrics['response_length/clip_ratio']).toBeCloseTo(2 / 3, 12);
});

test('turns are what the rollout counted', async () => {
  const turns = (count: number): Trajectory => exampleTrajectory({ metrics: { num_turns: count } });
  const metrics = await metricsOf([groupOf(turns(2), turns(6))]);
  expect(metrics).toMatchObject({ 'num_turns/mean': 4, 'num_turns/max': 6, 'num_turns/min': 2 });
});

test('evaluation reports each data source and each part of the reward on its own', () => {
  const at = (dataSource: string, value: number, format: number): Trajectory =>
    exampleTrajectory({ dataSource, reward: { value, parts: { format } } });
  expect(evaluationMetrics([groupOf(at('gsm8k', 1, 1)), groupOf(at('aime', 0, 1), at('gsm8k', 0, 0.5))])).toEqual({
    'val-core/gsm8k/reward/mean@1': 0.5,
    'val-aux/gsm8k/format/mean@1': 0.75,
    'val-aux/gsm8k/tool_call_rate': 1,
    'val-core/aime/reward/mean@1': 0,
    'val-aux/aime/format/mean@1': 1,
    'val-aux/aime/tool_call_rate': 1,
    'val-aux/failed': 0,
  });
});

test('a failed rollout of an evaluation is counted, not scored 0', () => {
  const group = { ...groupOf(withReward(1)), outcomes: [...groupOf(withReward(1)).outcomes, failed] };
  expect(evaluationMetrics([group])).toMatchObject({ 'val-core/sum/reward/mean@1': 1, 'val-aux/failed': 1 });
  expect(meanReward([group])).toBe(1);
});

test('the mean reward of nothing scored is not a number', () => {
  expect(meanReward([{ ...groupOf(), outcomes: [failed] }])).toBeNaN();
});

async function metricsOf(groups: readonly TrajectoryGroup[]): Promise<ReturnType<typeof rolloutMetrics>> {
  const { sequences, metrics } = await experienceOf(groups, {
    advEstimator: { name: 'grpo', normAdvByStdInGrpo: false },
  });
  return { ...rolloutMetrics(groups, sequences), ...metrics };
}

function groupOf(...trajectories: Trajectory[]): TrajectoryGroup {
  return {
    task: { id: 'sum-1', dataSource: 'sum', data: null },
    outcomes: trajectories.map((trajectory) => ({ status: 'scored', trajectory })),
  };
}

function withReward(value: number): Trajectory {
  return exampleTrajectory({ reward: { value, parts: {} } });
}

function withCalls(...toolCalls: ToolCallRecord[]): Trajectory {
  return exampleTrajectory({ turns: [{ sequence: 0, action: { start: 2, end: 4 }, toolCalls }] });
}
