import type { TrajectoryGroup } from '../types.js';

/** Says of each group of a step whether it is worth training on. Pure. A group in which nothing was scored never is. */
export type GroupFilter<Settings> = (groups: readonly TrajectoryGroup[], settings: Settings) => readonly boolean[];
