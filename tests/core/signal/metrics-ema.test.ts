import { expect, test } from 'vitest';
import { MetricsEma, metricsEmaConfig, metricsEmaState } from '../../../core/signal/metrics-ema.js';

const config = metricsEmaConfig.parse({ decay: 0.75, keys: ['score', 'length'] });

test('the first value is its own average, later ones move it by one minus the decay', () => {
  const ema = new MetricsEma(config);
  expect(ema.observe({ score: 1, length: 10, other: 5 })).toEqual({ 'ema/score': 1, 'ema/length': 10 });
  expect(ema.observe({ score: 0, length: 14 })).toEqual({ 'ema/score': 0.75, 'ema/length': 11 });
  expect(ema.observe({ score: 0, length: 11 })).toEqual({ 'ema/score': 0.5625, 'ema/length': 11 });
});

test('a step without a value, or with one that is no number, leaves the average alone', () => {
  const ema = new MetricsEma(config);
  ema.observe({ score: 1, length: 10 });
  expect(ema.observe({ length: Number.NaN })).toEqual({});
  expect(ema.observe({ score: 0, length: 14 })).toEqual({ 'ema/score': 0.75, 'ema/length': 11 });
});

test('an average of equal values is exactly that value at first and near it ever after', () => {
  const ema = new MetricsEma(metricsEmaConfig.parse({ keys: ['score'] }));
  for (let step = 0; step < 50; step++) ema.observe({ score: 0.1 });
  expect(ema.state.score).toBeCloseTo(0.1, 14);
});

test('by default score, length and entropy are averaged', () => {
  const ema = new MetricsEma(metricsEmaConfig.parse({}));
  const step = { 'critic/score/mean': 1, 'response_length/mean': 2, 'actor/entropy': 3, 'actor/lr': 4 };
  expect(Object.keys(ema.observe(step))).toEqual([
    'ema/critic/score/mean',
    'ema/response_length/mean',
    'ema/actor/entropy',
  ]);
});

test('what it remembers survives JSON', () => {
  const [straight, before] = [new MetricsEma(config), new MetricsEma(config)];
  for (const ema of [straight, before]) ema.observe({ score: 0.3, length: 7 });
  const resumed = new MetricsEma(config, metricsEmaState.parse(JSON.parse(JSON.stringify(before.state))));
  expect(resumed.observe({ score: 0.7 })).toEqual(straight.observe({ score: 0.7 }));
  expect(resumed.state).toEqual(straight.state);
});

test('a decay of 1 would never move and is refused', () => {
  expect(metricsEmaConfig.safeParse({ decay: 1 }).success).toBe(false);
  expect(metricsEmaConfig.safeParse({ halfLife: 3 }).success).toBe(false);
});
