import type { LoopState } from '../loop-state.js';
import type { Metrics } from '../types.js';
import { Alarms } from './alarms.js';
import type { AlarmsConfig } from './alarms-config.js';
import type { GroupSignal } from './group-signal.js';
import { MetricsEma, type MetricsEmaConfig } from './metrics-ema.js';
import { SignalExplainer } from './signal-explainer.js';

export interface WatchConfig {
  readonly alarms: AlarmsConfig;
  readonly metricsEma: MetricsEmaConfig;
}

/** What watching remembers from step to step. */
export type WatchState = Pick<LoopState, 'signal' | 'alarms' | 'metricsEma'>;

export interface WatchedStep {
  readonly metrics: Metrics;
  /** One a group. */
  readonly signals: readonly GroupSignal[];
}

export interface WatchReport {
  /** alarm/<name> and ema/<key>. */
  readonly metrics: Metrics;
  /** What a person should know, a sentence each: why no group taught anything, and which alarms begin to ring. */
  readonly remarks: readonly string[];
  readonly state: WatchState;
}

/** Everything that looks at a step's numbers over time. */
export function watchStep(config: WatchConfig, state: WatchState, { metrics, signals }: WatchedStep): WatchReport {
  const explainer = new SignalExplainer(state.signal);
  const alarms = new Alarms(config.alarms, state.alarms);
  const averages = new MetricsEma(config.metricsEma, state.metricsEma);
  const remark = explainer.observe(signals);
  const report = alarms.observe(metrics);
  return {
    metrics: { ...report.metrics, ...averages.observe(metrics) },
    remarks: [...(remark === undefined ? [] : [remark]), ...report.warnings],
    state: { signal: explainer.state, alarms: alarms.state, metricsEma: averages.state },
  };
}
