import { describe, expect, it } from 'vitest';
import { scoredTrajectories } from '../../core/trajectories.js';
import type { Outcome, TrainSequence, TrajectoryGroup } from '../../core/types.js';
import { experienceOf } from '../helpers/experience.js';
import { exampleGroup, exampleTrajectory } from '../helpers/trajectories.js';

const plain = { advEstimator: { name: 'grpo', normAdvByStdInGrpo: false } } as const;

function scored(value: number, sequences = exampleTrajectory().sequences): Outcome {
  return { status: 'scored', trajectory: exampleTrajectory({ reward: { value, parts: {} }, sequences }) };
}

function group(...outcomes: Outcome[]): TrajectoryGroup {
  return { ...exampleGroup(), outcomes };
}

async function sequencesOf(
  groups: readonly TrajectoryGroup[],
  algorithm: object = plain,
): Promise<readonly TrainSequence[]> {
  return (await experienceOf(groups, algorithm)).sequences;
}

describe('experience', () => {
  it('is the tokens as they were recorded, with the advantage where they were sampled', async () => {
    const [winner, loser] = await sequencesOf([group(scored(1), scored(0))]);
    const { tokens, mask, logprobs } = exampleTrajectory().sequences[0]!;
    expect(winner).toEqual({ tokens, mask, logprobs, group: 0, advantages: [0, 0, 0.5, 0.5, 0, 0.5] });
    expect(loser?.advantages).toEqual([0, 0, -0.5, -0.5, 0, -0.5]);
  });

  it('leaves out what failed or was cancelled: a failure moves no baseline', async () => {
    const [failed, cancelled] = exampleGroup().outcomes.slice(1);
    const with2 = await sequencesOf([group(scored(1), failed!, scored(0.5), cancelled!)]);
    expect(with2).toEqual(await sequencesOf([group(scored(1), scored(0.5))]));
    expect(scoredTrajectories(group(failed!, cancelled!))).toEqual([]);
  });

  it('counts failures as reward 0 in the baseline where it is told to, and trains nothing of them', async () => {
    const [failed, cancelled] = exampleGroup().outcomes.slice(1);
    const counted = { ...plain, baselineIncludesFailed: true };
    const sequences = await sequencesOf([group(scored(1), failed!, scored(0.5), cancelled!)], counted);
    expect(sequences.map(({ advantages }) => advantages[2])).toEqual([0.5, 0]);
  });

  it('gives every sequence of a trajectory its advantage', async () => {
    const [sequence] = exampleTrajectory().sequences;
    const two = await sequencesOf([group(scored(1, [sequence!, sequence!]), scored(0))]);
    expect(two.map(({ advantages }) => advantages[2])).toEqual([0.5, 0.5, -0.5]);
  });

  it('of nothing is nothing', async () => {
    expect(await sequencesOf([])).toEqual([]);
    expect(await sequencesOf([group(), group()])).toEqual([]);
  });
});
