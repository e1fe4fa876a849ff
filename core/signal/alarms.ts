import { z } from 'zod';
import type { Metrics } from '../types.js';
import { type AlarmRule, alarmRules, type MetricHistory } from './alarm-rules.js';
import type { AlarmsConfig } from './alarms-config.js';
import { movingAverage } from './metrics-ema.js';

const historyState = z.strictObject({
  /** Values seen, counted up to `startSteps`, and their mean. */
  count: z.int().min(0),
  start: z.number(),
  average: z.number(),
  peak: z.number(),
});
type HistoryState = z.output<typeof historyState>;

const ruleState = z.strictObject({
  /** Steps in a row beyond the bound. */
  beyond: z.int().min(0),
  isRinging: z.boolean(),
});
type RuleState = z.output<typeof ruleState>;

/** What alarms remember, by the metric's and the alarm's name; JSON. */
export const alarmsState = z.strictObject({
  histories: z.record(z.string(), historyState),
  rules: z.record(z.string(), ruleState),
});
export type AlarmsState = z.output<typeof alarmsState>;

export interface AlarmsReport {
  /** alarm/<name>, 1 while it rings; none where alarms are switched off. */
  readonly metrics: Metrics;
  /** One sentence for each alarm that begins to ring with this step. */
  readonly warnings: readonly string[];
}

/**
 * Watches the metrics of training steps for known ways in which a run goes wrong. An alarm begins to ring at the `patience`-th step in a
 * row beyond its bound and stops at the first within it. A step that lacks a metric, or has it as no finite number, leaves its alarm as
 * it is; so does a step without a scored rollout for what is counted over rollouts.
 */
export class Alarms {
  readonly #config: AlarmsConfig;
  #state: AlarmsState;

  constructor(config: AlarmsConfig, state: AlarmsState = { histories: {}, rules: {} }) {
    this.#config = config;
    this.#state = state;
  }

  get state(): AlarmsState {
    return this.#state;
  }

  observe(metrics: Metrics): AlarmsReport {
    if (!this.#config.enable) return { metrics: {}, warnings: [] };
    const seen = alarmRules.map((rule) => this.#apply(rule, metrics));
    this.#state = {
      histories: { ...this.#state.histories, ...this.#histories(metrics) },
      rules: Object.fromEntries(seen.map(({ rule, state }) => [rule.name, state])),
    };
    return {
      metrics: Object.fromEntries(seen.map(({ rule, state }) => [`alarm/${rule.name}`, state.isRinging ? 1 : 0])),
      warnings: seen.flatMap(({ warning = [] }) => warning),
    };
  }

  /** Compares with what was known before this step. */
  #apply(rule: AlarmRule, metrics: Metrics): { rule: AlarmRule; state: RuleState; warning?: string } {
    const before = this.#state.rules[rule.name] ?? { beyond: 0, isRinging: false };
    const [key, value] = observed(rule, metrics) ?? [];
    if (key === undefined || value === undefined) return { rule, state: before };
    const bound = rule.bound(this.#config, this.#historyOf(key));
    const isBeyond = bound !== undefined && (rule.side === 'below' ? value < bound : value > bound);
    const beyond = isBeyond ? before.beyond + 1 : 0;
    const isRinging = isBeyond && (before.isRinging || beyond >= this.#config.patience);
    const state = { beyond, isRinging };
    if (!isRinging || before.isRinging) return { rule, state };
    const { finding, comparison, remedy, side } = rule;
    return {
      rule,
      state,
      warning: `${finding}: ${key} is ${round(value)}, ${side} ${round(bound)}, which is ${comparison}; ${remedy}`,
    };
  }

  #historyOf(key: string): MetricHistory {
    const { count = 0, start, peak = Number.NEGATIVE_INFINITY } = this.#state.histories[key] ?? {};
    return { start: count >= this.#config.startSteps ? start : undefined, peak };
  }

  #histories(metrics: Metrics): AlarmsState['histories'] {
    const now = alarmRules.flatMap((rule) => {
      const [key, value] = observed(rule, metrics) ?? [];
      if (key === undefined || value === undefined) return [];
      return [[key, this.#extended(this.#state.histories[key], value)] as const];
    });
    return Object.fromEntries(now);
  }

  #extended(history: HistoryState | undefined, value: number): HistoryState {
    if (history === undefined) return { count: 1, start: value, average: value, peak: value };
    const isStart = history.count < this.#config.startSteps;
    const count = isStart ? history.count + 1 : history.count;
    const start = isStart ? history.start + (value - history.start) / count : history.start;
    const average = movingAverage(history.average, value, this.#config.emaDecay);
    return { count, start, average, peak: Math.max(history.peak, average) };
  }
}

function observed({ keys }: AlarmRule, metrics: Metrics): readonly [string, number] | undefined {
  const isUnplayed = metrics['rollout/scored'] === 0;
  for (const key of keys) {
    const value = metrics[key];
    const isOfRollouts = key.startsWith('rollout/') || key.startsWith('response_length/');
    if (value !== undefined && Number.isFinite(value) && !(isUnplayed && isOfRollouts)) return [key, value];
  }
  return undefined;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
