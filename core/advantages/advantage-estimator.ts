/** One sequence of a scored trajectory. All arrays have one entry a token and mean nothing where the mask is 0. */
export interface EstimatorSequence {
  /** 1 = sampled by the policy and to be trained. */
  readonly mask: readonly (0 | 1)[];
  /**
   * Rewards of the tokens, KL penalty and shaping included: a turn's own reward at its last sampled token, what is left of the
   * episode's at the trajectory's last sampled token. Their sum is the member's `reward`.
   */
  readonly rewards: readonly number[];
  /** log π_old, the policy's at the start of the update. */
  readonly oldLogprobs: readonly number[];
  /** What the model did, turn by turn. */
  readonly turns: readonly EstimatorTurn[];
  /** V(s_t), the critic's before the token was sampled; there when the estimator needs `values`. */
  readonly values?: readonly number[];
  /** Σ_v π_old(v)²; there when the estimator needs `sumPiSquared`. */
  readonly sumPiSquared?: readonly number[];
  /** β (log π_φ − log π_ref) of an implicit process reward model; there when the estimator needs `processRewards`. */
  readonly processRewards?: readonly number[];
  /** Truncated importance weights π_old / π_rollout, where rollout correction made some. */
  readonly rolloutIsWeights?: readonly number[];
}

/** One turn of a sequence. */
export interface EstimatorTurn {
  /** Its sampled tokens are [start, end) of the sequence. */
  readonly start: number;
  readonly end: number;
  /** The turn's own reward, 0 where the environment gave none; also in `rewards`, at token end - 1. */
  readonly reward: number;
  /** What the model was shown last before it, as a key: equal anchors, equal observations. */
  readonly anchor: string;
}

/** What an estimator may look at of one scored trajectory. */
export interface ScoredMember {
  /** Sum of the rewards of its sequences' tokens. */
  readonly reward: number;
  readonly sequences: readonly EstimatorSequence[];
  /** The environment's reward by parts, before any shaping. */
  readonly rewardParts: { readonly [name: string]: number };
  /** Reward of one greedy episode of the same task; there when the estimator needs `greedyReward`. */
  readonly greedyReward?: number;
  /** Not sampled by the policy: an expert's trace put into the group. */
  readonly isOffPolicy?: boolean;
}

/** What an estimator says of one sequence, one entry a token, 0 where the mask is 0. */
export interface TokenEstimates {
  readonly advantages: readonly number[];
  /** What a critic is to predict; equal to the advantages where there is no critic to train, as in verl. */
  readonly returns: readonly number[];
}

/** Estimates in the shape of what went in: [group][member][sequence]. */
export type Estimates = readonly (readonly (readonly TokenEstimates[])[])[];

/**
 * Turns the rewards of a step into one advantage a token. Pure. Groups are ragged and may be empty; members may have no sequences
 * and sequences no sampled token. Equal inputs give equal outputs, in whatever order groups and members come.
 */
export type AdvantageEstimator<Settings> = (
  groups: readonly (readonly ScoredMember[])[],
  settings: Settings,
) => Estimates;

/** What an estimator needs that costs a model, a forward pass or an episode of its own. */
export type EstimatorNeed = 'values' | 'sumPiSquared' | 'greedyReward' | 'processRewards';
