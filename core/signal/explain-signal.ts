import { mean } from '../advantages/group-statistics.js';
import type { Metrics } from '../types.js';
import { type GroupReason, type GroupSignal, type GroupView, groupReasons, groupSignal } from './group-signal.js';

export interface SignalExplanation {
  /**
   * signal/groups_{learning,all_equal,truncated,filtered,failed,stale}: groups a step, each also as `…_share` of them, 0 where there are
   * none; and signal/reward_std: the mean over groups of the deviation of their rewards, where any group has two scored members.
   */
  readonly metrics: Metrics;
  /** One a group, in their order. */
  readonly signals: readonly GroupSignal[];
}

/** What each group of a step does to the policy, and how many do what. Groups that were thrown away belong in it. */
export function explainSignal(views: readonly GroupView[]): SignalExplanation {
  const signals = views.map(groupSignal);
  const counts = groupReasons.flatMap((reason) => {
    const count = signals.filter((signal) => signal.reason === reason).length;
    const name = metricName(reason);
    return [[name, count] as const, [`${name}_share`, count / Math.max(1, signals.length)] as const];
  });
  const deviations = signals.filter(({ scored }) => scored > 1).map(({ rewardStd }) => rewardStd);
  const spread = deviations.length === 0 ? {} : { 'signal/reward_std': mean(deviations) };
  return { metrics: { ...Object.fromEntries(counts), ...spread }, signals };
}

function metricName(reason: GroupReason): string {
  return `signal/groups_${reason === 'learns' ? 'learning' : reason}`;
}
