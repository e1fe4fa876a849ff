import type { Trajectory, TrajectoryGroup } from '../../core/types.js';

/** A whole trajectory of two turns with one tool call, for tests that need something real to write or draw. */
export function exampleTrajectory(changes: Partial<Trajectory> = {}): Trajectory {
  return {
    taskId: 'sum-1',
    dataSource: 'sum',
    messages: [
      { role: 'user', content: 'What is 2+2?' },
      { role: 'assistant', content: 'Let me see.', toolCalls: [{ name: 'python', arguments: { code: 'print(2+2)' } }] },
      { role: 'tool', name: 'python', content: '4' },
      { role: 'assistant', content: '4' },
    ],
    turns: [
      {
        sequence: 0,
        action: { start: 2, end: 4 },
        observation: { start: 4, end: 5 },
        toolCalls: [{ name: 'python', durationMs: 12 }],
      },
      { sequence: 0, action: { start: 5, end: 6 }, toolCalls: [] },
    ],
    sequences: [
      {
        tokens: [72, 105, 65, 66, 67, 52],
        mask: [0, 0, 1, 1, 0, 1],
        logprobs: [0, 0, -0.5, -1.25, 0, -0.125],
        versions: [-1, -1, 3, 3, -1, 3],
      },
    ],
    reward: { value: 1, parts: { correct: 1, format: 0.5 } },
    stopReason: 'terminated',
    metrics: { turns: 2 },
    ...changes,
  };
}

/** A group of one scored, one failed and one cancelled rollout. */
export function exampleGroup(trajectory: Trajectory = exampleTrajectory()): TrajectoryGroup {
  return {
    task: { id: trajectory.taskId, dataSource: trajectory.dataSource, data: { a: 2, b: 2 } },
    outcomes: [
      { status: 'scored', trajectory },
      { status: 'failed', error: { code: 'sandbox_died', message: 'the sandbox died', retryable: true } },
      { status: 'cancelled', reason: 'shutdown' },
    ],
  };
}
