import { describe, expect, it } from 'vitest';
import { scoredTrajectories, toTrainSequences } from '../../core/experience.js';
import type { Outcome, TrajectoryGroup } from '../../core/types.js';
import { exampleGroup, exampleTrajectory } from '../helpers/trajectories.js';

const plain = { name: 'grpo', normAdvByStdInGrpo: false } as const;

function scored(value: number, sequences = exampleTrajectory().sequences): Outcome {
  return { status: 'scored', trajectory: exampleTrajectory({ reward: { value, parts: {} }, sequences }) };
}

function group(...outcomes: Outcome[]): TrajectoryGroup {
  return { ...exampleGroup(), outcomes };
}

describe('experience', () => {
  it('is the tokens as they were recorded, with the advantage where they were sampled', () => {
    const [winner, loser] = toTrainSequences([group(scored(1), scored(0))], plain);
    const { tokens, mask, logprobs } = exampleTrajectory().sequences[0]!;
    expect(winner).toEqual({ tokens, mask, logprobs, advantages: [0, 0, 0.5, 0.5, 0, 0.5] });
    expect(loser?.advantages).toEqual([0, 0, -0.5, -0.5, 0, -0.5]);
  });

  it('leaves out what failed or was cancelled: a failure moves no baseline', () => {
    const [failed, cancelled] = exampleGroup().outcomes.slice(1);
    const with2 = toTrainSequences([group(scored(1), failed!, scored(0.5), cancelled!)], plain);
    expect(with2).toEqual(toTrainSequences([group(scored(1), scored(0.5))], plain));
    expect(scoredTrajectories(group(failed!, cancelled!))).toEqual([]);
  });

  it('gives every sequence of a trajectory its advantage', () => {
    const [sequence] = exampleTrajectory().sequences;
    const two = toTrainSequences([group(scored(1, [sequence!, sequence!]), scored(0))], plain);
    expect(two.map(({ advantages }) => advantages[2])).toEqual([0.5, 0.5, -0.5]);
  });

  it('of nothing is nothing', () => {
    expect(toTrainSequences([], plain)).toEqual([]);
    expect(toTrainSequences([group(), group()], plain)).toEqual([]);
  });
});
