import type { AlarmsConfig } from './alarms-config.js';

/** What is known of a metric from the steps so far. */
export interface MetricHistory {
  /** Mean of the first steps; undefined until there were as many as `startSteps`. */
  readonly start: number | undefined;
  /** Highest moving average. */
  readonly peak: number;
}

/** One way in which a run goes wrong, seen in one metric. */
export interface AlarmRule {
  /** alarm/<name>. */
  readonly name: string;
  /** The first that a step has is watched. */
  readonly keys: readonly string[];
  readonly side: 'below' | 'above';
  /** Undefined while there is nothing to compare with, or where the alarm is off. */
  bound(config: AlarmsConfig, history: MetricHistory): number | undefined;
  /** What has happened, and how the bound came about. */
  readonly finding: string;
  readonly comparison: string;
  readonly remedy: string;
}

/** A tool that was never called more often than this cannot fall into disuse. */
const MIN_TOOL_CALL_PEAK = 0.05;

export const alarmRules: readonly AlarmRule[] = [
  {
    name: 'tool_use_collapse',
    keys: ['rollout/tool_call_rate'],
    side: 'below',
    bound: ({ minToolCallShare }, { peak }) =>
      minToolCallShare === 0 || peak < MIN_TOOL_CALL_PEAK ? undefined : minToolCallShare * peak,
    finding: 'the policy stops calling tools',
    comparison: 'the share alarms.minToolCallShare of its highest average',
    remedy: 'reward answers that tools make right, lower optimizer.lr, or see in the trajectories which calls fail',
  },
  {
    name: 'entropy_collapse',
    keys: ['actor/entropy'],
    side: 'below',
    bound: ({ minEntropyShare }, { start }) => shareOf(minEntropyShare, start),
    finding: 'the policy has almost stopped exploring',
    comparison: 'the share alarms.minEntropyShare of its start',
    remedy: 'raise algorithm.policyLoss.clipRatioHigh or algorithm.entropyCoeff, or lower optimizer.lr',
  },
  {
    name: 'length_explosion',
    keys: ['response_length/mean'],
    side: 'above',
    bound: ({ maxLengthFactor }, { start }) => shareOf(maxLengthFactor, start),
    finding: 'responses grow without end',
    comparison: 'alarms.maxLengthFactor times its start',
    remedy: 'lower rollout.maxTurnTokens, set algorithm.lossAggMode to token-mean, or reward short answers',
  },
  {
    name: 'length_collapse',
    keys: ['response_length/mean'],
    side: 'below',
    bound: ({ minLengthShare }, { start }) => shareOf(minLengthShare, start),
    finding: 'responses shrink to almost nothing',
    comparison: 'the share alarms.minLengthShare of its start',
    remedy: 'see in the trajectories whether the reward can be had without the work, or lower optimizer.lr',
  },
  {
    name: 'clip_ratio',
    keys: ['response_length/clip_ratio'],
    side: 'above',
    bound: ({ maxClipRatio }) => maxClipRatio,
    finding: 'budgets cut off most episodes',
    comparison: 'alarms.maxClipRatio',
    remedy: 'raise rollout.maxResponseTokens, rollout.maxTurns or rollout.maxContext',
  },
  {
    name: 'ppo_kl',
    keys: ['actor/ppo_kl'],
    side: 'above',
    bound: ({ maxPpoKl }) => (maxPpoKl === 0 ? undefined : maxPpoKl),
    finding: 'an update moves the policy too far',
    comparison: 'alarms.maxPpoKl',
    remedy: 'lower optimizer.lr or algorithm.ppoEpochs, or raise algorithm.ppoMiniBatchSize',
  },
  {
    name: 'reference_kl',
    keys: ['actor/kl_loss', 'actor/reward_kl_penalty'],
    side: 'above',
    bound: ({ maxReferenceKl }) => (maxReferenceKl === 0 ? undefined : maxReferenceKl),
    finding: 'the policy has left its reference',
    comparison: 'alarms.maxReferenceKl',
    remedy: 'lower optimizer.lr, or weight the KL term more',
  },
];

function shareOf(share: number, start: number | undefined): number | undefined {
  return share === 0 || start === undefined ? undefined : share * start;
}
