import type { Failure, Task, Trajectory } from '../types.js';

/** A finished episode and the task that it was played for. */
export interface JudgedEpisode {
  readonly task: Task;
  readonly trajectory: Trajectory;
}

/** A score, or why there is none. */
export type Judgement = number | Failure;

/** Gives finished episodes scores. */
export interface RewardModel {
  /** What a score counts in the reward. */
  readonly weight: number;
  /** One judgement an episode, in their order. Throws ConfigError where nothing can be judged at all, the signal's reason when aborted. */
  judge(episodes: readonly JudgedEpisode[], signal: AbortSignal): Promise<readonly Judgement[]>;
}

/** The failure of an episode that could not be judged. */
export function notJudged(message: string): Failure {
  return { code: 'reward_model_failed', message, retryable: false };
}
