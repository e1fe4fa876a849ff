/** What an estimator may look at of one scored trajectory. */
export interface ScoredMember {
  readonly reward: number;
  /** Per sequence of the trajectory, one entry a token: 1 = sampled by the policy. */
  readonly masks: readonly (readonly (0 | 1)[])[];
}

/**
 * Turns the rewards of a step into one advantage a token, in the shape of the masks: [group][member][sequence][token].
 * Groups are ragged and may be empty; entries where the mask is 0 are 0.
 */
export type AdvantageEstimator<Settings> = (
  groups: readonly (readonly ScoredMember[])[],
  settings: Settings,
) => readonly (readonly (readonly (readonly number[])[])[])[];
