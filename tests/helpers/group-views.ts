import type { GroupView } from '../../core/signal/group-signal.js';
import type { Outcome, StopReason } from '../../core/types.js';
import { exampleTrajectory } from './trajectories.js';

/** A group as the loop sees it: its outcomes, and for each scored member a sequence of one prompt and one sampled token. */
export function groupView(
  outcomes: readonly Outcome[],
  advantages: readonly number[],
  changes: Partial<GroupView> = {},
): GroupView {
  return {
    group: { task: { id: 'sum-1', dataSource: 'sum', data: null }, outcomes },
    sequences: advantages.map((advantage) => ({ advantages: [9, advantage], mask: [0, 1] })),
    ...changes,
  };
}

export function scored(value: number, stopReason: StopReason = 'terminated'): Outcome {
  return { status: 'scored', trajectory: exampleTrajectory({ reward: { value, parts: {} }, stopReason }) };
}

export function failed(code: string): Outcome {
  return { status: 'failed', error: { code, message: code, retryable: true } };
}
