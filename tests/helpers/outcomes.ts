import type { Outcome, TokenSequence, Trajectory, TrajectoryGroup } from '../../core/types.js';
import { exampleGroup, exampleTrajectory } from './trajectories.js';

/** A group of these outcomes. */
export function groupOf(...outcomes: readonly Outcome[]): TrajectoryGroup {
  return { ...exampleGroup(), outcomes };
}

/** The example's trajectory with this reward and these changes, scored. */
export function scoredOutcome(value: number, changes: Partial<Trajectory> = {}): Outcome {
  return { status: 'scored', trajectory: exampleTrajectory({ reward: { value, parts: {} }, ...changes }) };
}

/** The example's sequence, of which tokens 2, 3 and 5 were sampled, with these changes. */
export function exampleSequence(changes: Partial<TokenSequence> = {}): TokenSequence {
  const [sequence] = exampleTrajectory().sequences;
  if (sequence === undefined) throw new Error('the example has a sequence');
  return { ...sequence, ...changes };
}
