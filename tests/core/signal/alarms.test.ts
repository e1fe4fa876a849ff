import { describe, expect, test } from 'vitest';
import { alarmRules } from '../../../core/signal/alarm-rules.js';
import { Alarms, type AlarmsReport, alarmsState } from '../../../core/signal/alarms.js';
import { alarmsConfig } from '../../../core/signal/alarms-config.js';
import type { Metrics } from '../../../core/types.js';

type Settings = Parameters<typeof alarmsConfig.parse>[0];

describe.each([
  { name: 'tool_use_collapse', key: 'rollout/tool_call_rate', bad: 0.39, good: 0.41 },
  { name: 'entropy_collapse', key: 'actor/entropy', bad: 0.15, good: 0.17 },
  { name: 'length_explosion', key: 'response_length/mean', bad: 2.41, good: 2.4 },
  { name: 'length_collapse', key: 'response_length/mean', bad: 0.23, good: 0.25 },
  { name: 'clip_ratio', key: 'response_length/clip_ratio', bad: 0.51, good: 0.5, start: 0.1 },
  { name: 'ppo_kl', key: 'actor/ppo_kl', bad: 0.11, good: 0.1, start: 0.01 },
  { name: 'reference_kl', key: 'actor/kl_loss', bad: 1.01, good: 1, start: 0.01 },
  { name: 'reference_kl', key: 'actor/reward_kl_penalty', bad: 1.01, good: 1, start: 0.01 },
])('$name on $key', ({ name, key, bad, good, start = 0.8 }) => {
  const values = (...later: number[]) => watch(key, [start, start, start, start, start, ...later]).slice(5);

  test('rings at the second step in a row beyond the bound and stops at the first within it', () => {
    expect(values(bad, bad, bad, good).map(({ metrics }) => metrics[`alarm/${name}`])).toEqual([0, 1, 1, 0]);
  });

  test('one step beyond the bound is noise, and the bound itself is within', () => {
    expect(values(bad, good, bad, good, good).map(({ metrics }) => metrics[`alarm/${name}`])).toEqual([0, 0, 0, 0, 0]);
  });

  test('warns when it begins to ring and not again while it rings', () => {
    const warnings = values(bad, bad, bad, good, bad, bad).map((report) => report.warnings.length);
    expect(warnings).toEqual([0, 1, 0, 0, 0, 1]);
  });

  test('tells the value, what it is compared with and what to try', () => {
    const [sentence = ''] = values(bad, bad)[1]?.warnings ?? [];
    expect(sentence).toContain(`${key} is ${bad}, `);
    expect(sentence).toMatch(/: .*(below|above) [\d.]+, which is .*alarms\.\w+.*; \w+/);
  });

  test('can be switched off by itself, and with all others', () => {
    const off = { clip_ratio: 1, tool_use_collapse: 0, entropy_collapse: 0, length_explosion: 0 }[name] ?? 0;
    const setting = Object.keys(alarmsConfig.shape).find((field) => sentenceOf(name).includes(`alarms.${field}`));
    const steps = [start, start, start, start, start, bad, bad];
    expect(watch(key, steps, { [setting ?? '']: off }).at(-1)).toMatchObject({ metrics: { [`alarm/${name}`]: 0 } });
    expect(watch(key, steps, { enable: false }).at(-1)).toEqual({ metrics: {}, warnings: [] });
  });
});

test('nothing is compared with a start before there is one', () => {
  const entropies = [1, 0.01, 0.01, 0.01];
  expect(watch('actor/entropy', entropies).flatMap(({ warnings }) => warnings)).toEqual([]);
});

test('the start is the mean of the first steps alone', () => {
  const settings = { startSteps: 2, patience: 1, minEntropyShare: 0.5 };
  const rings = watch('actor/entropy', [1, 3, 8, 1.01, 0.99], settings);
  expect(rings.map(({ metrics }) => metrics['alarm/entropy_collapse'])).toEqual([0, 0, 0, 0, 1]);
});

test('the tool call rate is compared with the peak of its average, not with its highest value', () => {
  const settings = { patience: 1, emaDecay: 0.5, minToolCallShare: 0.5 };
  const rings = watch('rollout/tool_call_rate', [0.2, 0.8, 0.26, 0.24], settings);
  expect(rings.map(({ metrics }) => metrics['alarm/tool_use_collapse'])).toEqual([0, 0, 0, 1]);
});

test('a policy that hardly ever called tools cannot stop', () => {
  const reports = watch('rollout/tool_call_rate', [0.04, 0.04, 0, 0, 0], { patience: 1 });
  expect(reports.flatMap(({ warnings }) => warnings)).toEqual([]);
});

test('a step without a scored rollout says nothing of rollouts', () => {
  const alarms = new Alarms(alarmsConfig.parse({ patience: 1 }));
  alarms.observe({ 'rollout/tool_call_rate': 0.9, 'rollout/scored': 8 });
  const lost = alarms.observe({ 'rollout/tool_call_rate': 0, 'rollout/scored': 0 });
  expect(lost.warnings).toEqual([]);
  expect(alarms.state.histories['rollout/tool_call_rate']).toMatchObject({ count: 1, average: 0.9 });
});

test('a missing metric, or one that is no number, leaves its alarm as it is', () => {
  const alarms = new Alarms(alarmsConfig.parse({}));
  const rings = [{ 'actor/ppo_kl': 5 }, { 'actor/ppo_kl': 5 }, {}, { 'actor/ppo_kl': Number.NaN }].map(
    (metrics: Metrics) => alarms.observe(metrics).metrics['alarm/ppo_kl'],
  );
  expect(rings).toEqual([0, 1, 1, 1]);
});

test('every alarm has a metric from the first step on', () => {
  const { metrics } = new Alarms(alarmsConfig.parse({})).observe({});
  expect(metrics).toEqual(Object.fromEntries(alarmRules.map(({ name }) => [`alarm/${name}`, 0])));
});

test('what alarms remember survives JSON: a resumed run rings as an uninterrupted one', () => {
  const entropies = [1, 1, 1, 1, 1, 0.1, 0.1, 0.1];
  const config = alarmsConfig.parse({});
  for (let stop = 1; stop < entropies.length; stop++) {
    const first = new Alarms(config);
    for (const value of entropies.slice(0, stop)) first.observe({ 'actor/entropy': value });
    const resumed = new Alarms(config, alarmsState.parse(JSON.parse(JSON.stringify(first.state))));
    const rest = entropies.slice(stop).map((value) => resumed.observe({ 'actor/entropy': value }));
    expect(rest).toEqual(watch('actor/entropy', entropies).slice(stop));
  }
});

test('every threshold has a default and says what it does', () => {
  for (const [name, field] of Object.entries(alarmsConfig.shape)) {
    expect(field.description, name).toMatch(/\w+/);
    expect(alarmsConfig.parse({}), name).toHaveProperty(name);
  }
  expect(alarmsConfig.safeParse({ minEntropy: 1 }).success).toBe(false);
});

function watch(key: string, values: readonly number[], settings: Settings = {}): readonly AlarmsReport[] {
  const alarms = new Alarms(alarmsConfig.parse(settings));
  return values.map((value) => alarms.observe({ [key]: value }));
}

function sentenceOf(name: string): string {
  return alarmRules.find((rule) => rule.name === name)?.comparison ?? '';
}
